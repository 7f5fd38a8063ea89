/** The newest stored run that no other tab has open; undefined if there is none. */
export async function storedRun(session) {
  const runs = await session.runs();
  return runs.find(({ held }) => !held);
}

/** Trains in a worker for `steps` steps, and samples; `show` reports the progress. `stored`: a run to go on with. */
export async function trainAndSample(session, { run, stored, steps, labels, show }) {
  session.on('progress', ({ task, done, total }) => show(`${task} ${done} of ${total}`));
  session.on('lost', ({ message }) => show(message));
  session.on('recovered', ({ step }) => show(`goes on from step ${step}`));
  if (stored) await session.resume({ from: stored.id });
  else await session.begin(run);
  for await (const { step, loss } of session.train({ steps })) {
    if (loss !== undefined) show(`step ${step}: ${loss.toFixed(4)}`); // else it is an event
  }
  const samples = await session.sample({ count: labels.length, labels });
  const { step } = await session.pause();
  const { loss } = await session.evaluate(100);
  show(`step ${step}: ${loss.toFixed(4)} on the first 100 digits`);
  return samples;
}
