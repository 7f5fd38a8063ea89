/** The workflow that publishes the page runs what there is, publishes what is built, and takes major versions of actions. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import config from '../../vite.config';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const workflow = read('.github/workflows/page.yml');
const runs = [...workflow.matchAll(/^\s+- run: (.*)$/gm)].map(([, command]) => command);

test('it installs, checks and builds with the scripts of package.json', () => {
  expect(runs[0]).toBe('npm ci');
  const scripts = runs.flatMap((command) => /^npm run (\S+)$/.exec(command)?.[1] ?? []);
  expect(scripts).toEqual(['check', 'build']);
  expect(Object.keys(JSON.parse(read('package.json')).scripts)).toEqual(expect.arrayContaining(scripts));
});

test('it publishes the folder that the page is built into', async () => {
  const built = await config({ mode: 'production', command: 'build' });
  expect(workflow).toContain(`path: ${built.build!.outDir}\n`);
  // Below any path.
  expect(built.base).toBe('./');
});

test('each action is of a major version, and publishing alone may write', () => {
  const actions = [...workflow.matchAll(/uses: (\S+)$/gm)].map(([, action]) => action);
  expect(actions).toHaveLength(5);
  for (const action of actions) expect(action).toMatch(/^actions\/[\w-]+@v\d+$/);
  const [before, deploy] = workflow.split('  deploy:');
  expect(before).not.toContain(': write');
  expect(deploy).toContain('pages: write');
});
