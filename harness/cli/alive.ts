/** Whether a process exists, and whether it is still the same one: numbers are reused. */
import { readFileSync } from 'node:fs';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // sends no signal
    return readBirth(pid) !== 'never';
  } catch (error) {
    // A process of another user may not be signalled, but it exists.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Identifies a process among all that ever have its number: the boot of the machine in which it began, and when. Linux reports that;
 * elsewhere it is empty, and the number alone must do. A killed process that its parent has not reaped yet (a zombie) has the birth
 * 'never'.
 */
export function readBirth(pid: number): string {
  if (process.platform !== 'linux') return '';
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // The name, in brackets, may contain brackets and spaces; the 20th field after it is the start time, in ticks since the boot.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? 'never' : `${boot} ${fields[19]}`;
  } catch {
    return '';
  }
}
