import { describe, expect, test } from 'vitest';
import { missingWebGpu } from '../../../harness/page/welcome/support';

const here = { secure: true, hasGpu: true, userAgent: 'Firefox/150', address: 'http://10.0.0.1' };

describe('the reason why the page cannot run', () => {
  test('is undefined where WebGPU is there', () => expect(missingWebGpu(here)).toBeUndefined());

  test('is an insecure address, before anything else', () => {
    const trouble = missingWebGpu({ ...here, secure: false, hasGpu: false });
    expect(trouble?.why).toContain('http://10.0.0.1');
    expect(trouble?.title).toContain('not secure');
  });

  test.each([
    ['Mozilla/5.0 Firefox/130', 'Firefox'],
    ['Mozilla/5.0 Chrome/110 Safari/537', 'Chrome'],
    ['Mozilla/5.0 Version/17 Safari/605', 'Safari'],
  ])('is no navigator.gpu in %s, with what to do in %s first', (userAgent, name) => {
    const trouble = missingWebGpu({ ...here, hasGpu: false, userAgent });
    expect(trouble?.remedies).toHaveLength(3);
    expect(trouble?.remedies[0].startsWith(name)).toBe(true);
  });
});
