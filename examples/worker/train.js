/** Trains in a worker for so many steps, and samples; `show` is told how far it is. */
export async function trainAndSample(client, { run, steps, labels, show }) {
  client.on('progress', ({ task, done, total }) => show(`${task} ${done} of ${total}`));
  client.on('loss', ({ first, losses }) =>
    show(`step ${first + losses.length}: ${losses.at(-1).toFixed(4)}`),
  );
  client.on('lost', ({ message }) => show(message));
  await client.begin(run);
  await client.step(steps);
  return client.sample({ count: labels.length, labels });
}
