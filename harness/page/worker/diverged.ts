/** The page's message about a run that diverged. Retrying the rejected step fails again; only an earlier checkpoint helps. */
export function divergedMessage(message: string, back: number | undefined): string {
  const remedy =
    back === undefined
      ? 'Reset the run, lower the learning rate, and begin again.'
      : `Trained on from where it is, the run comes to the same again. Go back to its copy of step ${back.toLocaleString('en-US')} with a smaller learning rate, or reset it; its last good state can be saved below.`;
  return `${message} ${remedy}`;
}
