/** Tells test/lib/lanes/run.ts, over the channel between the two processes, what vitest is doing and how it ended. */
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

export interface LaneResult {
  adapter: string;
  passed: number;
  failed: number;
  skipped: number;
}

export type LaneMessage = { begun: string } | { ended: string } | { result: LaneResult };

/** Whether a filter of names or tags may have left it out. */
const isLeftOut = ({ project, tags }: TestCase) =>
  project.config.testNamePattern !== undefined ||
  (project.vitest.config.tagsFilter !== undefined && tags.length > 0);

const ADAPTER = 'adapter: ';

const send = (message: LaneMessage) =>
  new Promise<void>((resolve) => (process.send ? process.send(message, () => resolve()) : resolve()));

export default class LaneReporter implements Reporter {
  onInit(): void {
    // Nothing is left running when the other side is killed.
    process.once('disconnect', () => process.exit(1));
    // Listening alone would keep this process alive.
    process.channel?.unref();
  }

  onTestModuleStart({ relativeModuleId }: TestModule): void {
    void send({ begun: relativeModuleId });
  }

  onTestCaseReady({ fullName }: TestCase): void {
    void send({ begun: fullName });
  }

  onTestCaseResult({ fullName }: TestCase): void {
    void send({ ended: fullName });
  }

  onTestModuleEnd({ relativeModuleId }: TestModule): void {
    void send({ ended: relativeModuleId });
  }

  async onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Promise<void> {
    const result: LaneResult = { adapter: '', passed: 0, failed: unhandledErrors.length, skipped: 0 };
    // Errors outside of tests (an import that throws, a hook) count as one failure each.
    const countErrors = (unit: TestModule | TestSuite) => {
      result.failed += unit.errors().length;
    };
    for (const module of modules) {
      countErrors(module);
      for (const suite of module.children.allSuites()) countErrors(suite);
      for (const test of module.children.allTests()) {
        if (test.name.startsWith(ADAPTER)) result.adapter = test.name.slice(ADAPTER.length);
        const outcome = test.result();
        if (outcome.state === 'passed') result.passed++;
        else if (outcome.state === 'failed') result.failed++;
        // One that a filter leaves out is no skipped test; one that skips itself says why.
        else if (outcome.state === 'skipped' && (outcome.note || !isLeftOut(test))) result.skipped++;
      }
    }
    await send({ result });
  }
}
