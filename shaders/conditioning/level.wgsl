// The features of a noise level: sin(w_k t) in rows 0 to 15, cos(w_k t) in rows 16 to 31, with w_k = 100^(k / 15), k = 0 to 15.
#import lib/turns.wgsl

// w_k / (2 pi), from a table: exp2 errs by 16 ulp, which is too much.
fn turns_per_level(k: u32) -> f32 {
  // A variable, because not every compiler accepts a dynamic index into a constant array.
  var turns = array<f32, 16>(
    0.159154943, 0.216348289, 0.294094429, 0.399779142, 0.543442332, 0.738731807, 1.0041998, 1.36506542,
    1.8556104, 2.52243586, 3.4288893, 4.66108259, 6.33607241, 8.61298052, 11.7081101, 15.9154943,
  );
  return turns[k];
}

// Row `row` of the features of four images with noise levels t.
fn level_feature(row: u32, t: vec4f) -> vec4f {
  let phase = select(0.0, 0.25, row < 16u); // a quarter turn makes a sine
  return cos_turns(t * turns_per_level(row % 16u) - phase);
}
