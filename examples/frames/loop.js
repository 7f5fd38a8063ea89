// A page that draws and trains: each frame is drawn first, and then a few milliseconds are trained.

/**
 * Draws every frame, with what training has done so far, and trains beside it, until `draw` returns false. Resolves to what was done last.
 * `nextFrame` is requestAnimationFrame.
 */
export function drawAndTrain(trainer, source, { milliseconds, draw, nextFrame }) {
  return new Promise((resolve, reject) => {
    let done;
    let training = false;
    const frame = () => {
      if (draw(done) === false) return resolve(done);
      if (!training) {
        training = true;
        trainer.runFor(source, { milliseconds }).then((result) => {
          done = { ...result, loss: result.loss ?? done?.loss };
          training = false;
        }, reject);
      }
      nextFrame(frame);
    };
    nextFrame(frame);
  });
}
