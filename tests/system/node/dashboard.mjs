// Uses the dashboard in headless Chromium as a person would, and takes its picture.
//   node dashboard.mjs URL USER PASSWORD FOLDER_OF_PICTURES
import assert from "node:assert/strict";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, username, password, pictures] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const credentials = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
const number = (text) => Number(text.replace(/[^\d]/g, ""));

/** The address carries the password, once: everything else relies on what the browser remembers. */
async function open(options = {}) {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  await page.goto(url.replace("//", `//${username}:${password}@`));
  await page.locator("#state[data-state=running]").waitFor();
  return page;
}

/** Presses a button as the keyboard does, and waits for what the page says about it. */
async function press(page, button, answer) {
  await page.locator(button).focus();
  await page.keyboard.press("Enter");
  await page.locator("#toast", { hasText: answer }).waitFor();
}

async function fitsItsWidth(page) {
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(content <= width, `the page is ${content} pixels wide on ${width}`);
}

async function refusesStrangers() {
  const answer = await fetch(url);
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("www-authenticate"), /^Basic realm=/);
}

/** The demo hurries through its first minutes as long as somebody watches. */
async function collectHistory() {
  const events = await fetch(`${url}/events`, { headers: { authorization: credentials } });
  const decoder = new TextDecoder();
  for await (const chunk of events.body) {
    const now = decoder.decode(chunk, { stream: true }).match(/"now":"[^"]*:(\d\d):\d\dZ"/);
    if (now && Number(now[1]) >= 9) break;
  }
}

async function showsTheNumbers(page) {
  const status = await (await fetch(`${url}/status`, { headers: { authorization: credentials } })).json();
  assert.equal(await page.locator("#job").textContent(), status.job);
  const shown = number(await page.locator("#backlog").textContent());
  assert.ok(Math.abs(shown - status.backlog) < 5_000, `${shown} waiting on the page, ${status.backlog} in /status`);
  assert.match(await page.locator("#percent").textContent(), /^\d\d\.\d %$/);
  assert.match(await page.locator("#bytes-readout").textContent(), /^\d.* [KMG]iB\/s$/);
  assert.equal(await page.locator("#workers .worker").count(), 3);
  assert.equal(await page.locator("#rungs .rung").count(), 4);
  assert.equal(await page.locator("#failed").textContent(), "5");
  assert.ok((await page.locator("#bytes-chart path.line").getAttribute("d")).split("L").length > 500, "the chart has a past");
  await page.locator("#backlog").filter({ hasNotText: String(await page.locator("#backlog").textContent()) }).waitFor();
}

async function showsKeysAsText(page) {
  await page.locator("#failures-list .key", { hasText: "<img src=x onerror=document.title='owned'>" }).waitFor();
  await page.locator("#failures-list .key", { hasText: "line\\nbreak" }).waitFor();
  await page.locator("#failures-list .key", { hasText: "raw/%FF%FE.bin" }).waitFor();
  assert.equal(await page.title(), "Bucketferry");
  await page.locator("#workers summary").first().focus();
  await page.keyboard.press("Enter");
  await page.locator("#workers .transfer .key", { hasText: "<b>RAW</b>" }).first().waitFor();
}

async function readsTheChartByKeyboard(page) {
  await page.locator("#bytes-chart svg").focus();
  await page.keyboard.press("PageUp");
  await page.keyboard.press("PageUp");
  await page.locator("#bytes-readout", { hasText: /^\d\d:\d\d:\d\d {2}\d.*iB\/s$/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#bytes-readout", { hasText: /^\d.* [KMG]iB\/s$/ }).waitFor();
}

async function commands(page) {
  await press(page, "#pause", "Paused");
  await page.locator("#state[data-state=paused]").waitFor();
  await page.locator("#left", { hasText: "paused" }).waitFor();
  await press(page, "#pause", "Resumed");
  await page.locator("#state[data-state=running]").waitFor();

  await press(page, "#scan", "Scan started");
  await page.locator("#scans .scan").nth(2).waitFor();
  await press(page, "#audit", "Audit");

  await press(page, "#failures-list .failure:nth-child(2) button", "One object will be tried again");
  await page.locator("#failed", { hasText: /^4$/ }).waitFor();
  await press(page, "#failures-list .failure[data-key^='%'] button", "One object will be tried again");
  await page.locator("#retried", { hasText: /^2$/ }).waitFor();
}

async function clearsTheLedger(page) {
  await press(page, "#retry-all", "3 objects will be tried again");
  await page.locator("#failures-empty").waitFor();
  assert.equal(await page.locator("#failures-list .failure").count(), 0);
  await page.locator("#failed", { hasText: /^0$/ }).waitFor();
}

async function tellsWhenTheConnectionIsLost(page) {
  await page.route("**/events", (route) => route.abort());
  await page.reload();
  await page.locator("#lost").waitFor();
  await page.locator("#state[data-state=lost]").waitFor();
  await page.unroute("**/events");
  await page.locator("#state[data-state=running]").waitFor();
  await page.locator("#lost").waitFor({ state: "hidden" });
}

async function picture(name, options) {
  const page = await open(options);
  await page.locator("#failures-list .failure").first().waitFor();
  await page.locator("#workers summary").first().click();
  if (name === "light") await page.locator("#bytes-chart svg").hover({ position: { x: 300, y: 60 } });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  await fitsItsWidth(page);
  await page.context().close();
}

try {
  await refusesStrangers();
  await collectHistory();
  await picture("light", { colorScheme: "light", viewport: { width: 1280, height: 900 } });
  await picture("dark", { colorScheme: "dark", viewport: { width: 1280, height: 900 } });
  await picture("phone", { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true });

  const page = await open({ viewport: { width: 1100, height: 900 }, reducedMotion: "reduce" });
  await showsTheNumbers(page);
  await showsKeysAsText(page);
  await readsTheChartByKeyboard(page);
  await commands(page);
  await clearsTheLedger(page);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(pictures, "empty.png"), fullPage: true });
  assert.deepEqual(page.complaints, [], "the browser's console is quiet");
  await tellsWhenTheConnectionIsLost(page);
} finally {
  await browser.close();
}
