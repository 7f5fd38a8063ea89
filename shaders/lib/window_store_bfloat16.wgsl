// Where lib/window_max_pool_grad.wgsl leaves the gradients of a window: in grad_pre, which the including shader declares, in bfloat16, so
// that one store takes those of two images, [C][H/2][W/2][N][2 rows]. A word has the two pixels of a row.
#import lib/bfloat16.wgsl

fn store(at: u32, low: u32, a: vec2f, b: vec2f, c: vec2f, d: vec2f) {
  grad_pre[low] = vec4u(pack_bfloat16(vec2f(a.x, b.x)), pack_bfloat16(vec2f(c.x, d.x)), pack_bfloat16(vec2f(a.y, b.y)),
    pack_bfloat16(vec2f(c.y, d.y)));
}
