/** Asks one question at a time. Of those that come while it waits for an answer, it asks only the last. Pure. */
export class Latest<Question> {
  private readonly send: (id: number, question: Question) => void;
  private id = 0;
  private asked: number | undefined;
  private next: Question | undefined;

  constructor(send: (id: number, question: Question) => void) {
    this.send = send;
  }

  get waiting(): boolean {
    return this.asked !== undefined;
  }

  ask(question: Question): void {
    this.next = question;
    this.sendNext();
  }

  /** Call this with the id of an answer. Whether it is the awaited one, and not of a question that was dropped. */
  answered(id: number): boolean {
    if (id !== this.asked) return false;
    this.asked = undefined;
    this.sendNext();
    return true;
  }

  /** No answer is wanted any more, nor will one come. */
  drop(): void {
    this.asked = undefined;
    this.next = undefined;
  }

  private sendNext(): void {
    if (this.asked !== undefined || this.next === undefined) return;
    const question = this.next;
    this.next = undefined;
    this.asked = ++this.id;
    this.send(this.asked, question);
  }
}
