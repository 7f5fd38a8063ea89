/** The newest stored run that no other tab has open; undefined if there is none. */
export function storedRun(client) {
  return new Promise((resolve) => {
    const off = client.on('runs', (runs) => {
      off();
      resolve(runs.find(({ held }) => !held));
    });
    client.runs();
  });
}

/** Trains in a worker for `steps` steps, and samples; `show` reports the progress. `stored`: a run to go on with. */
export async function trainAndSample(client, { run, stored, steps, labels, show }) {
  client.on('progress', ({ task, done, total }) => show(`${task} ${done} of ${total}`));
  client.on('loss', ({ first, losses }) =>
    show(`step ${first + losses.length}: ${losses.at(-1).toFixed(4)}`),
  );
  client.on('lost', ({ message }) => show(message));
  client.on('recovered', ({ step }) => show(`goes on from step ${step}`));
  if (stored) await client.resume({ from: stored.id });
  else await client.begin(run);
  const { step } = await client.step(steps);
  const samples = await client.sample({ count: labels.length, labels });
  const { loss } = await client.call('evaluate', 100);
  show(`step ${step}: ${loss.toFixed(4)} on the first 100 digits`);
  return samples;
}
