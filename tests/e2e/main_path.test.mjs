// The main path as a student goes it: hand in, watch the place and the estimate move, marks, a notice, an e-mail.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, launch, signInAs, visitor } from './browser.mjs';
import { essay, startDemo } from './demo.mjs';

let demo;
let browser;

before(async () => {
  [demo, browser] = await Promise.all([startDemo(), launch()]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** Others hand in first, so that there is a place to move up from. */
async function othersHandIn(count) {
  for (let n = 0; n < count; n += 1) {
    const answer = await fetch(`${demo.url}/api/v1/submissions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${demo.instructor_token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        assignment: demo.assignments[0].id,
        text: `${await essay('computers')}\n\nWritten by student number ${n}.`,
        student: `other-${n}@students.example.edu`,
      }),
    });
    assert.equal(answer.status, 201, await answer.text());
  }
}

async function handIn(page) {
  await page.goto(demo.url);
  await page.getByRole('link', { name: demo.assignments[0].title }).first().click();
  await page.getByRole('textbox', { name: /^Your / }).fill(await essay('computers'));
  await page.getByRole('button', { name: 'Hand in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: /We have it safely/ }).waitFor();
  return new URL(page.url()).pathname;
}

async function assertMarks(page) {
  const marks = page.getByRole('heading', { level: 1, name: 'Your marks are ready' });
  await marks.waitFor({ timeout: 60_000 });
  await page.getByText('Simulated marks.').waitFor();
  assert.ok((await page.locator('mark').count()) > 0, 'the evidence is marked in the work');
}

async function assertNoticeAndMail(page, path) {
  await page.goto(`${demo.url}/notices`);
  await page.locator(`main a[href="${path}"]`).first().waitFor();
  await page.goto(`${demo.url}/mailbox`);
  const subjects = await page.locator('main .mails a').allTextContents();
  assert.ok(subjects.length >= 2, `a confirmation and the marks are mailed: ${subjects}`);
  // Mails of others may be newer.
  const letters = await page.locator('main .mails a').evaluateAll((links) => links.map((link) => link.href));
  let found = false;
  for (const letter of letters) {
    await page.goto(letter);
    found = (await page.locator('pre.letter-text').textContent()).includes(path);
    if (found) break;
  }
  assert.ok(found, `a mail leads to ${path}`);
}

test('with JavaScript: the wait is live, then marks, a notice and an e-mail', async () => {
  await othersHandIn(12);
  const page = await visitor(browser);
  await signInAs(page, demo.url, /student/i);
  const path = await handIn(page);
  const id = path.split('/').pop();
  await page.getByText(id).first().waitFor();
  // What changes before the marks changes on this very page.
  await page.evaluate('window.stillHere = true');
  await page.getByRole('heading', { name: /first look/ }).waitFor();
  const seen = new Set();
  const whens = new Set();
  const places = new Set();
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && (await page.evaluate('window.stillHere === true').catch(() => false))) {
    const [state, when, place] = await page.evaluate(
      `['.state .tag', '.state .when', '.state .leaves + p'].map((at) => document.querySelector(at)?.textContent ?? '')`,
    ).catch(() => []);
    if (state) seen.add(state);
    if (when) whens.add(when);
    if (place) places.add(place.trim());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await assertMarks(page);
  assert.ok(seen.size >= 2, `the state moved without loading the page again: ${[...seen].join(' | ')}`);
  assert.ok(whens.size >= 2, `the estimate moved: ${[...whens].join(' | ')}`);
  assert.ok(places.size >= 2, `the place moved: ${[...places].join(' | ')}`);
  await assertAccessible(page, 'the marks');
  await assertNoticeAndMail(page, path);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('without JavaScript: the same, by loading the page again', async () => {
  const page = await visitor(browser, { script: false });
  await signInAs(page, demo.url, /student/i);
  const path = await handIn(page);
  assert.ok(await page.locator('noscript meta[http-equiv="refresh"], meta[http-equiv="refresh"]').count(), 'the page renews itself');
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && !(await page.getByRole('heading', { name: 'Your marks are ready' }).count())) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    await page.goto(demo.url + path);
  }
  await assertMarks(page);
  await assertNoticeAndMail(page, path);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a file is handed in by choosing it', async () => {
  const page = await visitor(browser);
  await signInAs(page, demo.url, /student/i);
  await page.goto(`${demo.url}/assignments/${demo.assignments[0].id}`);
  await page.locator('#file').setInputFiles({
    name: 'essay.md', mimeType: 'text/markdown', buffer: Buffer.from(`# Computers\n\n${await essay('computers')}`),
  });
  await page.getByRole('button', { name: 'Hand in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: /We have it safely|marks are ready/ }).waitFor();
  await page.context().close();
});

test('a refused form says what is wrong, keeps what was typed and has the focus', async () => {
  const page = await visitor(browser);
  await signInAs(page, demo.url, /student/i);
  await page.goto(`${demo.url}/assignments/${demo.assignments[0].id}`);
  await page.getByRole('textbox', { name: /^Your / }).fill('   ');
  await page.getByRole('button', { name: 'Hand in', exact: true }).click();
  const summary = page.locator('.error-summary');
  await summary.waitFor();
  assert.equal(await page.evaluate('document.activeElement?.className.includes("error-summary")'), true);
  await assertAccessible(page, 'a refused hand-in');
  await page.context().close();
});

test('a repeated click hands in once', async () => {
  const page = await visitor(browser);
  await signInAs(page, demo.url, /student/i);
  await page.goto(`${demo.url}/assignments/${demo.assignments[0].id}`);
  await page.getByRole('textbox', { name: /^Your / }).fill(await essay('computers'));
  // The form is sent twice before any answer, as an impatient hand does.
  const paths = await page.evaluate(async () => {
    const form = document.querySelector('main form[enctype="multipart/form-data"]');
    const send = () => fetch(form.action, { method: 'POST', body: new FormData(form) });
    const answers = await Promise.all([send(), send()]);
    return answers.map((answer) => new URL(answer.url).pathname);
  });
  assert.match(paths[0], /^\/s\//);
  assert.equal(paths[0], paths[1]);
  await page.context().close();
});
