import { LiveMachine, type LivePort } from './live-machine.js';

export interface LiveEndpoint {
  /** `/api/v1/live` of the host that served the page, with `ws:` or `wss:`. */
  readonly url: string;
  readonly page: Document;
}

/** The machine with a browser's socket, timer and visibility around it. The returned `close` ends all of it. */
export function openLive(endpoint: LiveEndpoint): { readonly live: LiveMachine; close(): void } {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const drop = () => {
    const old = socket;
    socket = undefined;
    old?.close();
  };
  const port: LivePort = {
    connect: () => {
      drop();
      const next = new WebSocket(endpoint.url);
      next.binaryType = 'arraybuffer';
      socket = next;
      next.onopen = () => next === socket && live.socketOpened();
      next.onclose = (event) => {
        if (next !== socket) return;
        socket = undefined;
        live.socketClosed(event.code);
      };
      next.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
        if (next !== socket) return;
        live.received(typeof event.data === 'string' ? event.data : new Uint8Array(event.data));
      };
    },
    send: (text) => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(text);
    },
    disconnect: drop,
    wake: (afterMs) => {
      clearTimeout(timer);
      timer = setTimeout(() => live.woke(), afterMs);
    },
  };
  const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
  const live = new LiveMachine(port, clock, Math.random);
  const looked = () => (endpoint.page.visibilityState === 'hidden' ? live.hidden() : live.visible());
  endpoint.page.addEventListener('visibilitychange', looked);
  return {
    live,
    close: () => {
      endpoint.page.removeEventListener('visibilitychange', looked);
      clearTimeout(timer);
      live.stop();
    },
  };
}
