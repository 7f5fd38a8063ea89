// The 25 weights of a 5x5 kernel between two channels: t0 to t4 are the first row. `taps_at` comes with taps_plain or taps_subgroups.

struct Taps {
  t0: f32, t1: f32, t2: f32, t3: f32, t4: f32, t5: f32, t6: f32, t7: f32, t8: f32, t9: f32, t10: f32, t11: f32, t12: f32,
  t13: f32, t14: f32, t15: f32, t16: f32, t17: f32, t18: f32, t19: f32, t20: f32, t21: f32, t22: f32, t23: f32, t24: f32,
}
