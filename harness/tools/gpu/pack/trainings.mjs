/**
 * The trainings of the pack: a name, the flags of `train`, and what the mean loss of the last epoch must be below. `sevenSets`: a folder with
 * seven times as many digits as the package, for the tutorial's 274 steps an epoch.
 */
export function trainings({ quick, sevenSets }) {
  const few = quick ? words('--limit 64 --batch 16 --epochs 1 --widths 8,16 --tune') : [];
  const long = quick ? [...few, '--quality', '12'] : words('--epochs 40 --max-steps 5480');
  return [
    // 200 steps, then the tutorial's 1,370. Measured 0.0335 and 0.0272 elsewhere.
    { name: 'train-10000', most: quick ? 1 : 0.04, flags: few },
    // Without its name, images of one's own are planned.
    {
      name: 'train-70000',
      most: quick ? 1 : 0.03,
      flags: ['--recipe', 'tutorial', '--data', sevenSets, ...few],
    },
    // The other recipe, on as many images; its losses are of noise and images from -1 to 1. Measured 0.18 elsewhere.
    { name: 'train-digits', most: quick ? 10 : 0.25, flags: ['--recipe', 'digits', ...long] },
  ];
}

const words = (text) => text.split(' ');
