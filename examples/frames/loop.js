// A page that draws and trains: each frame is drawn first, and then a few milliseconds are trained.

/**
 * Draws every frame, with the training's state, and trains after it, until `draw` returns false. Resolves to the last result of training.
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
