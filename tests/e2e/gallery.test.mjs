// Every page in every state that the style guide shows: nothing for axe to find, nothing wider than the window, no
// complaint of the browser; and a picture of each.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertAccessible, assertFits, launch, LOOKS, picture, visitor } from './browser.mjs';
import { freePort } from './demo.mjs';

const BUNDLE = fileURLToPath(new URL('../../target/bundle', import.meta.url));

let gallery;
let browser;
let url;
let pages;

before(async () => {
  const program = process.env.QUIRE_GALLERY;
  if (!program) throw new Error('QUIRE_GALLERY must name the example `gallery` (make test-browser does that)');
  const listen = `127.0.0.1:${await freePort()}`;
  url = `http://${listen}`;
  gallery = spawn(program, [listen, BUNDLE], { stdio: ['ignore', 'ignore', 'inherit'] });
  browser = await launch();
  const deadline = Date.now() + 10_000;
  while (!pages) {
    try {
      pages = await (await fetch(`${url}/gallery.json`)).json();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

after(async () => {
  await browser?.close();
  gallery?.kill();
});

for (const look of LOOKS) {
  test(`all states, ${look.size}, ${look.scheme}`, async (all) => {
    assert.ok(pages.length >= 30, `the gallery has ${pages.length} pages`);
    const page = await visitor(browser, look);
    for (const [name, path] of pages) {
      const where = `${name}, ${look.size}, ${look.scheme}`;
      await all.test(where, async () => {
        page.complaints.length = 0;
        const answer = await page.goto(url + path);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await picture(page, `gallery-${name}-${look.size}-${look.scheme}`);
        await assertFits(page, where);
        await assertAccessible(page, where);
        // A page that refuses has the status that says so, and the browser notes it.
        const expected = answer.status() < 400 ? [] : page.complaints.filter((text) => text.includes('status of'));
        assert.deepEqual(page.complaints, expected, where);
      });
    }
    await page.context().close();
  });
}
