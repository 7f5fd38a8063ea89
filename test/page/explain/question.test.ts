/** What a scene of Explain says of the network that answers, and of a lost device. No browser. */
import { beforeEach, expect, test } from 'vitest';
import { Question } from '../../../harness/page/explain/scene';
import type { ExplainAnswer, ExplainOrder } from '../../../harness/page/messages/explain_messages';
import type { WorkerEvent } from '../../../harness/page/messages/messages';
import { initialSettings } from '../../../harness/page/messages/settings';
import { Losses } from '../../../harness/page/runs/losses';
import type { App } from '../../../harness/page/shell/app';
import { initialState } from '../../../harness/page/shell/state';

const order: ExplainOrder = { kind: 'predict', of: 'run', choice: 0, seed: 1 };
let app: App;
let answers: ((answer: ExplainAnswer) => void)[];

beforeEach(() => {
  answers = [];
  const ask = () => new Promise((resolve) => answers.push(resolve));
  app = {
    ...{ state: initialState, settings: initialSettings, replacements: 0 },
    ask,
    changed() {},
  } as never;
});

/** The run is at this step, and rests. */
function at(steps: number): void {
  app.state = { ...app.state, losses: Losses.of(new Float32Array(steps)), phase: 'paused' };
}

/** The worker answers what was asked last. */
async function answer(): Promise<void> {
  answers.at(-1)!({ kind: 'predicted' } as ExplainAnswer);
  await new Promise((resolve) => setTimeout(resolve));
}

test('a scene names the step of the run that its pictures are of, until pictures of a later one are there', async () => {
  at(40);
  const question = new Question(app);
  app.measuring = 'bench';
  question.ask(order, true);
  expect([answers.length, question.steps]).toEqual([0, 40]);
  app.measuring = undefined;
  question.ask(order, true);
  await answer();
  expect(question.steps).toBe(40);
  at(90);
  question.ask(order, true);
  expect([answers.length, question.steps]).toEqual([2, 40]);
  await answer();
  expect(question.steps).toBe(90);
});

const lost: WorkerEvent = {
  ...{ type: 'lost', message: 'Lost.', reason: 'unknown', step: 0, losses: Float32Array.of() },
  ...{ again: false, recovers: false, advice: undefined },
};

test('a lost device is a problem of pictures that are on their way, and none of those that are there', async () => {
  const question = new Question(app);
  question.ask(order);
  await answer();
  question.receive(lost);
  expect(question.status).toBeUndefined();
  question.ask({ ...order, choice: 1 });
  question.receive(lost);
  expect(question.status).toMatch(/^The GPU device was lost. Change anything here/);
});

test.each<WorkerEvent>([{ type: 'freed' }, { type: 'wentBack', losses: Float32Array.of() }])(
  'the pictures of a run go after its event $type, as its next step of that number is another',
  async (event) => {
    at(40);
    const question = new Question(app);
    question.ask(order, true);
    await answer();
    question.receive(event);
    expect(question.answer).toBeUndefined();
    question.ask(order, true);
    expect(answers).toHaveLength(2);
  },
);

test('what is chosen while a measurement has the GPU waits, and the pictures of another network go', async () => {
  const question = new Question(app);
  const of = (source: 'run' | 'pretrained', choice = 0) => question.ask({ ...order, of: source, choice });
  of('pretrained');
  await answer();
  app.measuring = 'bench';
  of('pretrained');
  expect(question.status).toBeUndefined();
  of('pretrained', 1);
  expect(question.status).toBe('The bench has the GPU; this waits.');
  of('run');
  expect([question.answer, question.status]).toEqual([undefined, 'The bench has the GPU; this waits.']);
  of('pretrained');
  expect(answers).toHaveLength(1);
  app.measuring = undefined;
  of('pretrained');
  expect(answers).toHaveLength(2);
});
