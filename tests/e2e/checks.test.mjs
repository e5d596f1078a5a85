// The checks that the other tests lean on do find what they look for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertFits, launch, visitor } from './browser.mjs';

test('axe finds faults, a wide page is noticed, complaints are gathered', async () => {
  const browser = await launch();
  const page = await visitor(browser, { size: 'phone' });
  await page.setContent(`<html lang="en"><title>x</title><main><h1>x</h1><img src="data:,">
    <div style="width: 5000px">wide</div></main><script>console.error('oh')</script></html>`);
  await assert.rejects(assertAccessible(page, 'here'), /image-alt/);
  await assert.rejects(assertFits(page, 'here'), /here is 50\d\d pixels wide/);
  assert.match(page.complaints.join(), /oh/);
  await browser.close();
});
