// The service worker: keeps what the page Offline needs, and shows it where a page cannot be fetched; plays the songs that
// are kept (static/js/kept_songs.js). Pages with anything of anybody are never kept. dcmrs_site/offline.py puts the list of
// what is to be kept before this text, and so makes another worker of it when one of the files changes.

/** @type {any} */
const scope = self;
/** @type {{ version: string, page: string, files: string[] }} */
const shell = scope.SHELL;

const SHELL = "dcmrs-shell:";
const KEPT = "dcmrs-kept:";
const SONG_FILE = /^\/songs\/\d+\/(audio|cover)$/;

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const answer = answerTo(event.request);
  if (answer) event.respondWith(answer);
});

async function install() {
  const cache = await caches.open(SHELL + shell.version);
  await cache.addAll([new Request(shell.page, { credentials: "omit", cache: "reload" }), ...shell.files]);
  await scope.skipWaiting();
}

async function activate() {
  for (const name of await caches.keys())
    if (name.startsWith(SHELL) && name !== SHELL + shell.version) await caches.delete(name);
  await scope.clients.claim();
}

/**
 * @param {Request} request
 * @returns {Promise<Response> | null} null for what the browser does without this worker
 */
function answerTo(request) {
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin || request.method !== "GET") return null;
  if (shell.files.includes(pathname)) return fileOfShell(request);
  if (SONG_FILE.test(pathname)) return fileOfSong(request);
  if (isPage(request)) return fetch(request).catch(offlinePage);
  // What the player asks for beside its songs; htmx says by itself what cannot be had.
  if (request.destination === "" && !request.headers.has("HX-Request"))
    return fetch(request).catch(() => new Response(null, { status: 204 }));
  return null;
}

/** Whether a page is wanted: by the browser, or by static/js/navigation.js. */
function isPage({ mode, headers }) {
  return mode === "navigate" || headers.has("HX-Boosted") || headers.has("HX-History-Restore-Request");
}

/** A copy of the page: an answer out of the cache has its own address, and navigation.js would go there. */
async function offlinePage() {
  const page = await caches.match(shell.page, { ignoreVary: true });
  return page ? new Response(page.body, { headers: page.headers }) : Response.error();
}

async function fileOfShell(request) {
  const cache = await caches.open(SHELL + shell.version);
  return (await cache.match(request, { ignoreVary: true })) || fetch(request);
}

async function fileOfSong(request) {
  for (const name of await caches.keys()) {
    if (!name.startsWith(KEPT)) continue;
    const cache = await caches.open(name);
    const kept = await cache.match(request, { ignoreVary: true, ignoreSearch: true });
    if (kept) return partOf(kept, request.headers.get("Range"));
  }
  return fetch(request);
}

/**
 * The range of a song that a browser asks for: it seeks only where it gets one.
 * @param {Response} whole
 * @param {string | null} range
 */
async function partOf(whole, range) {
  const [, from, to] = range?.match(/^bytes=(\d+)-(\d*)$/) || [];
  if (from === undefined) return whole;
  const blob = await whole.blob();
  const first = Number(from);
  const last = Math.min(to ? Number(to) : Infinity, blob.size - 1);
  if (first > last) return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${blob.size}` } });
  const headers = {
    "Content-Type": whole.headers.get("Content-Type") || "",
    "Content-Length": String(last - first + 1),
    "Content-Range": `bytes ${first}-${last}/${blob.size}`,
    "Accept-Ranges": "bytes",
  };
  return new Response(blob.slice(first, last + 1), { status: 206, headers });
}
