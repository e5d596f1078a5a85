// The server under test: `quire demo --json`, with everything it keeps in a temporary folder.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PATIENCE_MS = 60_000;

/** A port on which nothing listens. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The environment without variables of the tests, which the program would take for settings. */
function withoutOurs(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('QUIRE_')));
}

/** Starts a demo. Answers what it said of itself, and how to stop it. */
export async function startDemo() {
  const program = process.env.QUIRE_PROGRAM;
  if (!program) throw new Error('QUIRE_PROGRAM must name the program `quire` (make test-browser does that)');
  const folder = await mkdtemp(join(tmpdir(), 'quire-e2e-'));
  const [port, simulatorPort] = [await freePort(), await freePort()];
  const child = spawn(
    program,
    [
      'demo', '--json', '--data', join(folder, 'data'),
      '--listen', `127.0.0.1:${port}`, '--simulator-listen', `127.0.0.1:${simulatorPort}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder, env: withoutOurs(process.env) },
  );
  let said = '';
  let complained = '';
  child.stderr.on('data', (bytes) => { complained = (complained + bytes).slice(-20_000); });
  const ready = await new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the demo said nothing in ${PATIENCE_MS} ms\n${complained}`)),
      PATIENCE_MS,
    );
    child.stdout.on('data', (bytes) => {
      said += bytes;
      if (!said.includes('\n')) return;
      clearTimeout(timer);
      resolve(JSON.parse(said.slice(0, said.indexOf('\n'))));
    });
    child.on('exit', (code) => reject(new Error(`the demo ended with ${code}\n${complained}`)));
  });
  return {
    ...ready,
    log: () => complained,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The essays that come with the tests. */
export function essay(name) {
  return readFile(new URL(`./essays/${name}.txt`, import.meta.url), 'utf8');
}
