// Winograd F(7x7, 5x5), input transform. See lib/winograd7_input.wgsl.
alias Lane = f32;
#import lib/winograd7_input.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;
