// Watches and commands a real service, in the middle of its work, through the dashboard in headless Chromium.
//   node dashboard_service.mjs URL USER PASSWORD GCS BUCKET STRANGERS_KEY OBJECTS PICTURES
import assert from "node:assert/strict";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, username, password, gcs, bucket, strangersKey, objects, pictures] = process.argv.slice(2);
const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
const status = async () => (await fetch(`${url}/status`, { headers: { authorization } })).json();
const number = (text) => Number(text.replace(/[^\d]/g, ""));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

async function press(page, button, answer) {
  await page.locator(button).focus();
  await page.keyboard.press("Enter");
  await page.locator("#toast", { hasText: answer }).waitFor();
}

const shown = async (page, id) => number(await page.locator(id).textContent());

// The page as it is at one moment of a real run, for people to look at.
async function takePictures(page) {
  const desk = page.viewportSize();
  await page.screenshot({ path: join(pictures, "service.png"), fullPage: true });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.screenshot({ path: join(pictures, "service-dark.png"), fullPage: true });
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.screenshot({ path: join(pictures, "service-phone.png"), fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  assert.ok(!wide, "on a phone nothing sticks out to the right");
  await page.setViewportSize(desk);
}

async function until(what, condition) {
  for (let i = 0; i < 600; i++) {
    if (await condition()) return;
    await pause(100);
  }
  assert.fail(`waited in vain until ${what}`);
}

try {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(url.replace("//", `//${username}:${password}@`));
  await page.locator("#state[data-state=running]").waitFor();

  await until("something was copied", async () => (await shown(page, "#copied")) > 0);
  await press(page, "#pause", "Paused");
  await page.locator("#state[data-state=paused]").waitFor();
  await until("what was under way is finished", async () => (await status()).workers.every((one) => one.active === 0));
  const held = (await status()).copied;
  assert.ok(held < Number(objects) - 1, `${held} were copied before the pause`);
  await pause(3_000);
  assert.equal((await status()).copied, held, "nothing new begins while paused");
  await until("the page says so, too", async () => (await shown(page, "#copied")) === held);
  assert.equal(await page.locator("#workers .worker").count(), 2);
  await takePictures(page);

  await press(page, "#pause", "Resumed");
  await page.locator("#state[data-state=running]").waitFor();
  await until("the page counts on", async () => (await shown(page, "#copied")) > held);
  await until("all but the stranger's is copied", async () => (await shown(page, "#copied")) === Number(objects) - 1);

  await page.locator("#scans .scan", { hasText: "1 impossible" }).waitFor();
  assert.equal(await page.locator("#failures-list .failure").count(), 1);
  const failure = page.locator("#failures-list .failure", { hasText: strangersKey });
  await failure.waitFor();
  await failure.locator("text=foreign").first().waitFor();
  const gone = await fetch(`${gcs}/storage/v1/b/${bucket}/o/${encodeURIComponent(strangersKey)}`, { method: "DELETE" });
  assert.ok(gone.ok, `the stranger's object could not be removed: ${gone.status}`);
  await press(page, "#failures-list .failure button", "One object will be tried again");
  await page.locator("#failures-empty").waitFor();
  await until("it is copied", async () => (await shown(page, "#copied")) === Number(objects));
  assert.deepEqual(complaints, [], "the browser's console is quiet");
} finally {
  await browser.close();
}
