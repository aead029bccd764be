// Chromium on the diagnosis page: what it says of logons that work and of those that do not.
// Prints a line for each; saves screenshots to the folder SHOTS, if it is set.
const { chromium } = require('playwright-core');
const path = require('path');
const env = process.env;

const WIDTHS = { wide: 1280, narrow: 360 };
let failed = 0;

function check(name, got, expected) {
  const good = got === expected;
  failed += good ? 0 : 1;
  console.log(good ? 'PASS' : 'FAIL', name, good ? '' : `got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
}

// A page in both widths and both themes; none may be wider than the screen.
async function shoot(page, name) {
  await page.evaluate(() => document.querySelectorAll('details').forEach((it) => { it.open = it.open || it.matches(':last-of-type'); }));
  for (const [size, width] of Object.entries(WIDTHS)) {
    await page.setViewportSize({ width, height: 800 });
    const wide = await page.evaluate(() => document.scrollingElement.scrollWidth);
    check(`${name}: ${size} fits ${width}`, wide <= width, true);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      if (env.SHOTS) {
        await page.screenshot({ path: path.join(env.SHOTS, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      }
    }
  }
}

async function open(browser, name, credentials, visit) {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    httpCredentials: credentials && { username: credentials[0], password: credentials[1] },
  });
  const page = await context.newPage();
  const complaints = [];
  const tries = [];
  page.on('console', (message) => {
    // That a 401 came is said there, too.
    if (message.type() === 'error' && !/status of 401/.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    const found = /\/try\/(\w+)\//.exec(request.url());
    if (found) tries.push(found[1]);
  });
  await visit(page, () => tries.at(-1));
  check(`${name}: nothing is refused by the page's own policy`, complaints.join('; '), '');
  await context.close();
}

const headline = (page) => page.locator('h1').innerText();

(async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
      '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
  });
  const user = `${env.LOGON_DOMAIN}\\${env.LOGON_USER}`;
  const start = (site) => `${site}${env.PAGE}`;

  await open(browser, 'start', null, async (page) => {
    await page.goto(start(env.HTTP));
    check('start', await headline(page), 'See what your browser does when it has to log on.');
    await shoot(page, 'start');
  });

  await open(browser, 'success', [user, env.LOGON_PASSWORD], async (page) => {
    await page.goto(start(env.HTTP));
    await page.getByRole('link', { name: 'Negotiate and NTLM' }).click();
    check('success', await headline(page), `You are logged on as ${user}.`);
    await shoot(page, 'success');
    // The cookie of the try is nobody's business, and not of scripts.
    check('success: no cookie for scripts', await page.evaluate(() => document.cookie), '');
  });

  await open(browser, 'nothing', null, async (page) => {
    // Without a window to ask in, Chromium shows the page of what it does not even try.
    const answer = await page.goto(`${start(env.HTTP)}/new/negotiate`);
    check('nothing: 401', answer.status(), 401);
    check('nothing', await headline(page), 'Your browser has not tried to log on.');
    await shoot(page, 'nothing');
  });

  await open(browser, 'wrong', [user, 'wrong-pw'], async (page, id) => {
    // Given credentials that are refused, Chromium has no page to show.
    await page.goto(`${start(env.HTTP)}/new/ntlm`).catch(() => {});
    await page.goto(`${start(env.HTTP)}/show/${id()}`);
    check('wrong', await headline(page), `The name or the password was wrong, for ${user}.`);
    await shoot(page, 'wrong');
  });

  await open(browser, 'http2', [user, env.LOGON_PASSWORD], async (page) => {
    await page.goto(`${start(env.HTTPS)}/new/both`);
    check('http2', await headline(page), `You are logged on as ${user}.`);
    const text = await page.locator('main').innerText();
    check('http2: sent back and came', /came over HTTP\/1\.1 as it should/.test(text), true);
    await shoot(page, 'http2');
  });

  await open(browser, 'hostile', ['"><script>document.title=1</script>\\<b>x', 'x'], async (page, id) => {
    await page.goto(`${start(env.HTTP)}/new/ntlm`).catch(() => {});
    await page.goto(`${start(env.HTTP)}/show/${id()}`);
    check('hostile: the title stays', await page.title(), 'Why 401?');
    check('hostile: nothing is run', await page.locator('script, b:has-text("x")').count(), 0);
    await shoot(page, 'hostile');
  });

  await browser.close();
  process.exit(failed ? 1 : 0);
})();
