// A browser, and what all tests do with it.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const SIZES = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 900 },
};

/** Every way in which a page is looked at. */
export const LOOKS = ['desktop', 'phone'].flatMap((size) => ['light', 'dark'].map((scheme) => ({ size, scheme })));

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
}

/**
 * A window of a fresh visitor. What the browser complains about (scripts, refused resources) is gathered in
 * `page.complaints`.
 */
export async function visitor(browser, { size = 'desktop', scheme = 'light', script = true } = {}) {
  const context = await browser.newContext({
    viewport: SIZES[size],
    colorScheme: scheme,
    javaScriptEnabled: script,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/London',
  });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') page.complaints.push(`${message.text()} (${message.location().url})`);
  });
  return page;
}

/** Signs in with the demo's one click. */
export async function signInAs(page, url, part) {
  await page.goto(`${url}/sign-in`);
  await page.getByRole('button', { name: part }).first().click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** Fails on anything that axe finds wrong with the page. */
export async function assertAccessible(page, where) {
  const run = 'axe.run(document, { resultTypes: ["violations"] })';
  const { violations } = await page.evaluate(`${AXE};\n${run}`);
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.html}\n    ${node.failureSummary}`).join('\n')}`,
  );
  assert.deepEqual(told, [], `axe at ${where}`);
}

/** Nothing may stick out on the right: a phone would have to scroll sideways. */
export async function assertFits(page, where) {
  const [content, window] = await page.evaluate(
    'document.documentElement ? [document.documentElement.scrollWidth, window.innerWidth] : [0, 0]',
  );
  assert.ok(content <= window, `${where} is ${content} pixels wide in a window of ${window}`);
}

/** Takes a picture of the whole page into the folder of screenshots. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
