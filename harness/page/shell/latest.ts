/** Asks one question at a time. Of the questions that come while it waits for an answer, it asks only the last. */

/** An answer, or the problem that prevented it. */
export interface Outcome<Question, Answer> {
  readonly question: Question;
  readonly answer?: Answer;
  readonly problem?: string;
}

export class Latest<Question, Answer> {
  private readonly send: (question: Question, signal: AbortSignal) => Promise<Answer>;
  private readonly take: (outcome: Outcome<Question, Answer>) => void;
  private asked: AbortController | undefined;
  private next: Question | undefined;

  /** `take` is called with each outcome, except for dropped questions, after the next question was asked. */
  constructor(send: Latest<Question, Answer>['send'], take: Latest<Question, Answer>['take']) {
    this.send = send;
    this.take = take;
  }

  get waiting(): boolean {
    return this.asked !== undefined;
  }

  ask(question: Question): void {
    this.next = question;
    void this.sendNext();
  }

  /** Aborts the question that waits for its answer. */
  drop(): void {
    this.asked?.abort();
    this.asked = undefined;
    this.next = undefined;
  }

  private async sendNext(): Promise<void> {
    if (this.asked || this.next === undefined) return;
    const question = this.next;
    this.next = undefined;
    const asked = new AbortController();
    this.asked = asked;
    const outcome: Outcome<Question, Answer> = await this.send(question, asked.signal).then(
      (answer) => ({ question, answer }),
      (error) => ({ question, problem: error.message }),
    );
    if (this.asked !== asked) return;
    this.asked = undefined;
    void this.sendNext();
    this.take(outcome);
  }
}
