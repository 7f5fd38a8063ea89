// Where lib/window_max_pool_grad.wgsl leaves the gradients of a window: in grad_pre, [C][H][W][images], which the including shader declares.

fn store(at: u32, low: u32, a: Lane, b: Lane, c: Lane, d: Lane) {
  let below = at + params.width * params.images;
  grad_pre[at] = a;
  grad_pre[at + params.images] = b;
  grad_pre[below] = c;
  grad_pre[below + params.images] = d;
}
