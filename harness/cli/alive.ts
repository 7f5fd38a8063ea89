/** Whether a process is there, and that it is the same one and no other of its number. */
import { readFileSync } from 'node:fs';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // sends nothing
    return birthOf(pid) !== 'never';
  } catch (error) {
    // Somebody else's may not be asked, but is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * What no other process with this number ever was: which boot of the machine it began in, and when. Linux tells; elsewhere it is empty,
 * and the number alone must do. One that was killed and that nobody has asked about yet (a zombie) never was.
 */
export function birthOf(pid: number): string {
  if (process.platform !== 'linux') return '';
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // The name, in brackets, may hold brackets and spaces; the 20th field behind it is the start, in ticks since the boot.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? 'never' : `${boot} ${fields[19]}`;
  } catch {
    return '';
  }
}
