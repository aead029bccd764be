// Chromium with a ticket. It does not look at the server's last token, so this reports only whether
// one came.
const fs = require('fs');
const { chromium } = require('playwright-core');
const env = process.env;

(async () => {
  const profile = `${env.HOME}/profile`;
  fs.mkdirSync(profile);
  // On Linux it loads GSSAPI only if an earlier run has seen a Negotiate challenge; this says so.
  fs.writeFileSync(`${profile}/Local State`, '{"net":{"received_http_auth_negotiate_headers":true}}');
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    ignoreHTTPSErrors: Boolean(env.CA_FILE),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
      '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage',
      '--auth-server-allowlist=localhost'],
  });
  let status, text, token;
  try {
    const page = await browser.newPage();
    const response = await page.goto(env.URL, { timeout: 30000 });
    status = response.status();
    text = await response.text();
    token = /^Negotiate .+/m.test(await response.headerValue('www-authenticate') || '');
  } catch (error) {
    text = String(error.message).split('\n')[0];
    status = /ERR_INVALID_AUTH_CREDENTIALS/.test(text) ? 401 : 0;
  }
  await browser.close();
  console.log(status, token ? 'token' : 'none');
  console.log(text);
})();
