/** Says to test/lib/lanes/run.ts, over the channel between the two processes, what vitest is doing and how it ended. */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export interface LaneResult {
  adapter: string;
  passed: number;
  failed: number;
  skipped: number;
}
export type LaneMessage = { begun: string } | { ended: string } | { result: LaneResult };

const ADAPTER = 'adapter: ';

/** Whether a filter of names or tags may have left it out. */
const isLeftOut = ({ project, tags }: TestCase) =>
  project.config.testNamePattern !== undefined ||
  (project.vitest.config.tagsFilter !== undefined && tags.length > 0);

const send = (message: LaneMessage) =>
  new Promise<void>((resolve) => (process.send ? process.send(message, () => resolve()) : resolve()));

export default class LaneReporter implements Reporter {
  onInit(): void {
    // Nothing is left running when the other side is killed.
    process.once('disconnect', () => process.exit(1));
    // Listening alone would keep this process alive.
    process.channel?.unref();
  }

  onTestCaseReady({ fullName }: TestCase): void {
    void send({ begun: fullName });
  }

  onTestCaseResult({ fullName }: TestCase): void {
    void send({ ended: fullName });
  }

  async onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Promise<void> {
    const result: LaneResult = { adapter: '', passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      // Errors outside of tests (an import that throws, a hook) count as one failure each.
      for (const unit of [module, ...module.children.allSuites()]) result.failed += unit.errors().length;
      for (const test of module.children.allTests()) {
        if (test.name.startsWith(ADAPTER)) result.adapter = test.name.slice(ADAPTER.length);
        const { state, note } = { note: undefined, ...test.result() };
        if (state === 'passed') result.passed++;
        else if (state === 'failed') result.failed++;
        // One that a filter leaves out is no skipped test; one that skips itself says why.
        else if (state === 'skipped' && (note || !isLeftOut(test))) result.skipped++;
      }
    }
    await send({ result });
  }
}
