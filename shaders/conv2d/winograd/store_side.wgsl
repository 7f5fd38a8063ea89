// Stores a line of SIDE frequencies, `step` elements apart. The shader that imports this declares freqs: array<Lane>.

fn store_side(first: u32, step: u32, v: Side) {
  #each i SIDE
  freqs[first + $i * step] = v[$i];
  #end
}
