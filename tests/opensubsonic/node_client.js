// Drives a server with the client of JavaScript, subsonic-api: `node node_client.js URL AUTH METHOD SONG OTHER_SONG`.
// AUTH is the client's own, as JSON; METHOD is GET or POST. What it found comes back as JSON.

import assert from "node:assert/strict";

import { SubsonicAPI } from "subsonic-api";

const [url, auth, method, song, other] = process.argv.slice(2);
const api = new SubsonicAPI({ url, auth: JSON.parse(auth), post: method === "POST" });

async function ok(call, parameters) {
  const answer = await api[call](parameters);
  assert.equal(answer.status, "ok", `${call}: ${JSON.stringify(answer)}`);
  return answer;
}

async function refused(call, parameters) {
  const answer = await api[call](parameters).catch((error) => error);
  assert.notEqual(answer.status, "ok", call);
}

await ok("ping");
await ok("getLicense");
const { openSubsonicExtensions } = await ok("getOpenSubsonicExtensions");
const found = (await ok("getSong", { id: song })).song;
const { albumId, artistId } = found;
await ok("getMusicFolders");
await ok("getIndexes");
await ok("getMusicDirectory", { id: albumId });
await ok("getGenres");
await ok("getArtists");
assert.equal((await ok("getArtist", { id: artistId })).artist.album[0].id, albumId);
const { album } = await ok("getAlbum", { id: albumId });
for (const call of ["getArtistInfo", "getArtistInfo2", "getSimilarSongs", "getSimilarSongs2"])
  await ok(call, { id: artistId });
for (const call of ["getAlbumInfo", "getAlbumInfo2"]) await ok(call, { id: albumId });
await ok("getTopSongs", { artist: found.artist });
for (const call of ["getAlbumList", "getAlbumList2"]) await ok(call, { type: "newest" });
assert.ok((await ok("getRandomSongs", { size: 2 })).randomSongs.song.length);
await ok("getSongsByGenre", { genre: "jazz" });
await ok("search2", { query: "one" });
const { searchResult3 } = await ok("search3", { query: "" });
await ok("getLyrics", { artist: found.artist, title: found.title });
await ok("getLyricsBySongId", { id: song });
for (const call of ["star", "unstar"]) await ok(call, { id: song });
await ok("getStarred");
await ok("getStarred2");
await ok("setRating", { id: song, rating: 4 });
await ok("scrobble", { id: song });
await ok("reportPlayback", { mediaId: song, mediaType: "song", positionMs: 0, state: "starting" });
const { nowPlaying } = await ok("getNowPlaying");
const { playlist } = await ok("createPlaylist", { name: "Mine", songId: [song, other] });
await ok("updatePlaylist", { playlistId: playlist.id, name: "Ours" });
assert.equal((await ok("getPlaylist", { id: playlist.id })).playlist.name, "Ours");
await ok("deletePlaylist", { id: playlist.id });
const { playlists } = await ok("getPlaylists");
await ok("savePlayQueue", { id: [song, other], current: other, position: 10 });
const { playQueue } = await ok("getPlayQueue");
await ok("createBookmark", { id: song, position: 1000 });
await ok("getBookmarks");
await ok("deleteBookmark", { id: song });
await ok("getScanStatus");
await ok("getUser", { username: "mira" });
for (const call of ["getShares", "getPodcasts", "getNewestPodcasts", "getInternetRadioStations", "getVideos"])
  await ok(call);
await refused("getUsers");
await refused("startScan");
await refused("createUser", { username: "x", password: "y", email: "a@b.c" });
const pictures = await api.getCoverArt({ id: albumId, size: 64 });
const sound = await api.stream({ id: song, format: "mp3", maxBitRate: 64 });

console.log(
  JSON.stringify({
    extensions: openSubsonicExtensions.map((one) => one.name),
    songs: album.song.map((one) => one.id),
    titles: searchResult3.song.map((one) => one.title),
    playing: nowPlaying.entry.map((one) => one.id),
    playlists: playlists.playlist.map((one) => one.name),
    current: playQueue.current,
    picture: pictures.headers.get("content-type"),
    sound: [sound.headers.get("content-type"), (await sound.arrayBuffer()).byteLength],
  }),
);
