// Chromium's own NTLM, driven by Playwright with a user name and a password.
const { chromium } = require('playwright-core');
const env = process.env;

async function visit(browser) {
  const context = await browser.newContext({
    httpCredentials: { username: `${env.LOGON_DOMAIN}\\${env.LOGON_USER}`, password: env.LOGON_PASSWORD },
    ignoreHTTPSErrors: Boolean(env.CA_FILE),
  });
  const page = await context.newPage();
  const response = await page.goto(env.URL, { timeout: 30000 });
  if (response.status() === 200 && env.POST_BYTES) {
    return page.evaluate(async (bytes) => {
      const answer = await fetch(location.href, { method: 'POST', body: 'x'.repeat(Number(bytes)) });
      return [answer.status, await answer.text()];
    }, env.POST_BYTES);
  }
  return [response.status(), await response.text()];
}

(async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
      '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
  });
  let status, text;
  try {
    [status, text] = await visit(browser);
  } catch (error) {
    text = String(error.message).split('\n')[0];
    // Given credentials that the server refuses, Chromium reports an error instead of the page.
    status = /ERR_INVALID_AUTH_CREDENTIALS/.test(text) ? 401 : 0;
  }
  await browser.close();
  console.log(status === 200 ? 'OK' : 'FAIL', status, text.split('\n')[0]);
  process.exit(status === 200 ? 0 : 1);
})();
