/// <reference lib="webworker" />

/** Keeps the explorer's files, so that a second visit needs no network. Replaced by each build, which has its own name. */
declare const self: ServiceWorkerGlobalScope;

/** What the build puts in its place. */
interface Kept {
  readonly name: string;
  readonly files: readonly string[];
}

const kept = (self as unknown as { readonly KEPT: Kept }).KEPT;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(kept.name).then((cache) => cache.addAll(kept.files)).then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) =>
        Promise.all(names.filter((name) => name !== kept.name).map((name) => caches.delete(name)))
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request)));
});
