/** Counts the turns of a shader's loops, so that one that would never end is left, and is known. */

/** More turns than any loop of a small case makes. */
export const MOST_TURNS = 65_536;

/** The binding in which a loop that was left leaves word. */
export const RAN_AWAY = 'ran_away';

/**
 * `code` with a counter at each of its loops and one more binding, or undefined if it has none. (A shader ends if its loops end: WGSL has no
 * recursion, and its barriers are reached by all.) The counters are local, so that a loop that was uniform stays so. `code` is without
 * comments.
 */
export function guardLoops(code: string, binding: number): string | undefined {
  const loops = [...code.matchAll(/\b(?:for|while|loop)\b/g)];
  if (loops.length === 0) return undefined;
  let guarded = '';
  let done = 0;
  loops.forEach(({ index }, i) => {
    const brace = bodyAt(code, index);
    const count = `turns_of_loop_${i}`;
    guarded += `${code.slice(done, index)}var ${count} = 0u; ${code.slice(index, brace + 1)} if (${count} >= ${MOST_TURNS}u) { atomicStore(&${RAN_AWAY}, 1u); break; } ${count} += 1u; `;
    done = brace + 1;
  });
  return `${guarded}${code.slice(done)}@group(0) @binding(${binding}) var<storage, read_write> ${RAN_AWAY}: atomic<u32>;\n`;
}

/** The brace that begins the body of the loop whose word is at `index`: the first one outside parentheses. */
function bodyAt(code: string, index: number): number {
  let depth = 0;
  for (let i = index; i < code.length; i++) {
    if (code[i] === '(') depth++;
    else if (code[i] === ')') depth--;
    else if (code[i] === '{' && depth === 0) return i;
  }
  return code.length;
}
