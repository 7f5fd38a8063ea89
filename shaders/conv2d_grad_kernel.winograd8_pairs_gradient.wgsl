// Winograd F(8x8, 5x5), output gradient transform for two images at once, which costs a processor less than
// one image twice. See lib/winograd8_gradient.wgsl.
alias Lane = vec2f;
#import lib/winograd8_gradient.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;
