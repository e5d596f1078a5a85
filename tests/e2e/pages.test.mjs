// Every page: nothing for axe to find, nothing wider than the window, no complaint of the browser; and a picture of
// each, on phone and desktop, light and dark.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, assertFits, launch, LOOKS, picture, signInAs, visitor } from './browser.mjs';
import { essay, startDemo } from './demo.mjs';

let demo;
let browser;
const found = {};

async function api(path, token, body) {
  const answer = await fetch(demo.url + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path} answered ${answer.status}`);
  return answer.json();
}

async function simulator(change) {
  const answer = await fetch(`${demo.simulator}/simulator/control`, { method: 'POST', body: JSON.stringify(change) });
  assert.ok(answer.ok, await answer.text());
}

async function handInAs(page, text) {
  await page.goto(`${demo.url}/assignments/${demo.assignments[0].id}`);
  await page.locator('#text').fill(text);
  await page.getByRole('button', { name: 'Hand in', exact: true }).click();
  await page.waitForURL(/\/s\//);
  return new URL(page.url()).pathname;
}

before(async () => {
  [demo, browser] = await Promise.all([startDemo(), launch()]);
  const text = await essay('computers');
  for (let n = 0; n < 8; n += 1) {
    await api('/api/v1/submissions', demo.instructor_token, {
      assignment: demo.assignments[0].id, text: `${text}\n\nStudent ${n}.`, student: `other-${n}@students.example.edu`,
    });
  }
  const page = await visitor(browser);
  await signInAs(page, demo.url, /student/i);
  found.done = await handInAs(page, text);
  await page.getByRole('heading', { name: 'Your marks are ready' }).waitFor({ timeout: 60_000 });
  // From here on batches stand still, so that one submission is seen waiting.
  await simulator({ hold: true });
  found.waiting = await handInAs(page, `${text}\n\nA second version.`);
  await page.getByRole('heading', { name: /first look/ }).waitFor();
  await page.goto(`${demo.url}/mailbox`);
  found.mail = await page.locator('main .mails a').first().getAttribute('href');
  await page.context().close();
  const batches = await api('/api/v1/batches', demo.admin_token);
  found.batch = batches.items[0].id;
  // Two that no model can mark; one of them is closed.
  await simulator({ faults: { wrong_level: 1 } });
  const exam = demo.assignments.find((one) => /exam/i.test(one.title));
  for (const student of ['dead@students.example.edu', 'closed@students.example.edu']) {
    await api('/api/v1/submissions', demo.instructor_token, { assignment: exam.id, text, student });
  }
  const deadline = Date.now() + 90_000;
  let letters = { items: [] };
  while (letters.items.length < 2) {
    assert.ok(Date.now() < deadline, 'nothing ran out of remedies');
    await new Promise((resolve) => setTimeout(resolve, 500));
    letters = await api('/api/v1/dead-letters', demo.admin_token);
  }
  await simulator({ faults: {} });
  [found.letter, found.closed] = letters.items;
  await api('/api/v1/dead-letters/discard', demo.admin_token, {
    ids: [found.closed.id], reason: 'The file holds a blank page only.',
  });
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

const assignment = () => demo.assignments[0].id;
const PAGES = {
  nobody: [
    ['sign-in', () => '/sign-in'],
    ['mailbox', () => '/mailbox'],
    ['mail', () => found.mail],
  ],
  student: [
    ['student-home', () => '/'],
    ['hand-in', () => `/assignments/${assignment()}`],
    ['waiting', () => found.waiting],
    ['result', () => found.done],
    ['text', () => `${found.done}/text`],
    ['notices', () => '/notices'],
    ['not-found', () => '/s/NOTHING-HERE'],
  ],
  instructor: [
    ['teach', () => '/teach'],
    ['teach-assignment', () => `/teach/assignments/${assignment()}`],
    ['teach-submission', () => found.done.replace('/s/', '/teach/submissions/')],
    ['teach-trouble', () => `/teach/submissions/${found.letter.tracking_id}`],
    ['teach-mark', () => `/teach/submissions/${found.letter.tracking_id}/mark`],
    ['closed', () => `/s/${found.closed.tracking_id}`],
  ],
  admin: [
    ['overview', () => '/admin'],
    ['batches', () => '/admin/batches'],
    ['batch', () => `/admin/batches/${found.batch}`],
    ['budget', () => '/admin/budget'],
    ['prices', () => '/admin/prices'],
    ['prompts', () => '/admin/prompts'],
    ['rules', () => '/admin/rules'],
    ['rule', () => '/admin/rules/edit?rule=budget_conservation'],
    ['rule-new', () => '/admin/rules/edit'],
    ['rule-versions', () => '/admin/rules/versions'],
    ['dead-letters', () => '/admin/dead-letters'],
    ['dead-letter', () => `/admin/dead-letters/${found.letter.id}`],
    ['dead-letter-text', () => `/admin/dead-letters/${found.letter.id}?show=work`],
    ['dead-letter-closed', () => `/admin/dead-letters/${found.closed.id}`],
  ],
};

test('rules are dragged to their places', async () => {
  const page = await visitor(browser, LOOKS[0]);
  await signInAs(page, demo.url, /admin/i);
  await page.goto(`${demo.url}/admin/rules`);
  await page.getByText('Drag a rule by its number').waitFor();
  const names = () => page.locator('.rule[id]').evaluateAll((rules) => rules.map((rule) => rule.id));
  const before = await names();
  const handle = (name) => page.locator(`.rule[id="${name}"] > .place`);
  const below = { targetPosition: { x: 4, y: 1_000 } };
  const [first, , third] = before;
  const box = await page.locator(`.rule[id="${third}"]`).boundingBox();
  below.targetPosition.y = Math.floor(box.height) - 4;
  await handle(first).dragTo(page.locator(`.rule[id="${third}"]`), below);
  await page.getByText('is in force.').first().waitFor();
  assert.deepEqual(await names(), [before[1], before[2], before[0], ...before.slice(3)]);
  // Dropped beside the list it goes back.
  await page.getByText('Drag a rule by its number').waitFor();
  await handle(before[1]).dragTo(page.getByRole('heading', { level: 1 }));
  assert.deepEqual(await names(), [before[1], before[2], before[0], ...before.slice(3)]);
  // By the keyboard it is put back.
  for (let step = 0; step < 2; step += 1) {
    await page.locator(`.rule[id="${first}"]`).getByRole('button', { name: /up$/ }).press('Enter');
    await page.waitForLoadState();
  }
  await page.goto(`${demo.url}/admin/rules`);
  assert.deepEqual(await names(), before);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a condition is checked while it is typed', async () => {
  const page = await visitor(browser, LOOKS[0]);
  await signInAs(page, demo.url, /admin/i);
  await page.goto(`${demo.url}/admin/rules/edit?rule=budget_conservation`);
  const [field, told] = [page.locator('#condition'), page.locator('#condition-check')];
  await field.fill('budget.usd > 0.7');
  await told.getByText('Column 8: budget has no “usd”. Did you mean “used”?').waitFor();
  await field.fill('budget.used > 0.7');
  await page.waitForFunction(() => document.querySelector('#condition-check').textContent === '');
  await field.fill('true');
  await page.getByLabel('A person approves the marks').check();
  await page.getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('cell', { name: 'Held for approval' }).waitFor();
  assert.ok(await page.locator('#hold').isChecked(), 'what was typed is still there');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a condition that was typed before the page was awake is checked too', async () => {
  const page = await visitor(browser, LOOKS[0]);
  await signInAs(page, demo.url, /admin/i);
  let wake;
  const typed = new Promise((resolve) => (wake = resolve));
  await page.route(/\.wasm/, async (route) => {
    await typed;
    await route.continue();
  });
  await page.goto(`${demo.url}/admin/rules/edit?rule=budget_conservation`);
  await page.locator('#condition').fill('budget.usd > 0.7');
  wake();
  const told = page.locator('#condition-check');
  await told.getByText('Column 8: budget has no “usd”. Did you mean “used”?').waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

const PARTS = { student: /student/i, instructor: /instructor|teach/i, admin: /admin/i };

for (const [role, pages] of Object.entries(PAGES)) {
  for (const look of LOOKS) {
    test(`pages of ${role}, ${look.size}, ${look.scheme}`, async (all) => {
      const page = await visitor(browser, look);
      if (PARTS[role]) await signInAs(page, demo.url, PARTS[role]);
      for (const [name, path] of pages) {
        const where = `${name}, ${look.size}, ${look.scheme}`;
        await all.test(where, async () => {
          page.complaints.length = 0;
          const missing = name === 'not-found';
          const answer = await page.goto(demo.url + path());
          assert.equal(answer.status(), missing ? 404 : 200, where);
          await page.getByRole('heading', { level: 1 }).waitFor();
          await picture(page, `${name}-${look.size}-${look.scheme}`);
          await assertFits(page, where);
          await assertAccessible(page, where);
          const expected = missing ? page.complaints.filter((text) => text.includes('status of')) : [];
          assert.deepEqual(page.complaints, expected, where);
        });
      }
      await page.context().close();
    });
  }
}
