/** The page's message about a run that diverged. Retrying the rejected step fails again; only an earlier checkpoint helps. */
export function divergedMessage(message: string, back: number | undefined): string {
  const remedy =
    back === undefined
      ? 'Reset the run, lower the learning rate, and begin again.'
      : `If it trains on from here, the same happens again. Go back to its copy of step ${back.toLocaleString('en-US')} with a smaller learning rate, or reset it. You can save its last good state below.`;
  return `${message} ${remedy}`;
}
