// The browser is the system's own; installing this project never downloads one.
module.exports = { skipDownload: true };
