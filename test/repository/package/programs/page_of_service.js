/** In a page, whose service worker does the work. */
globalThis.result = main();

async function main() {
  await navigator.serviceWorker.register('service.bundle.js');
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve, reject) => {
    port1.onmessage = ({ data }) => (data.used ? resolve(data.used) : reject(new Error(data.problem)));
  });
  active.postMessage(undefined, [port2]);
  return answer;
}
