/** What was drawn, and what before, so that everything can be undone. Pure. */
import { type Drawing, nothing, type Point, RADIUS, type Stroke, type Tool } from '../shell/strokes';

export class DrawHistory {
  private readonly drawings: Drawing[] = [nothing];
  /** Whether the newest stroke is still being drawn. What comes in its place ends it. */
  private drawing = false;

  get current(): Drawing {
    return this.drawings[this.drawings.length - 1];
  }

  get canUndo(): boolean {
    return this.drawings.length > 1;
  }

  /** Another drawing in place of this one. */
  put(drawing: Drawing): void {
    this.drawings.push(drawing);
    this.drawing = false;
  }

  /** A stroke begins: so far a dot. */
  begin(tool: Tool, point: Point): void {
    const stroke: Stroke = { tool, radius: RADIUS[tool], points: [point] };
    this.put({ ...this.current, strokes: [...this.current.strokes, stroke] });
    this.drawing = true;
  }

  /** The newest stroke goes on to here. */
  extend(point: Point): void {
    if (!this.drawing) return;
    const { strokes } = this.current;
    const stroke = strokes[strokes.length - 1];
    const longer = { ...stroke, points: [...stroke.points, point] };
    this.drawings[this.drawings.length - 1] = { ...this.current, strokes: [...strokes.slice(0, -1), longer] };
  }

  undo(): void {
    if (this.canUndo) this.drawings.pop();
    this.drawing = false;
  }
}
