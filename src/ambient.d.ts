/** Where the signalling server is; '' means the host the page came from. Set by SIGNAL_URL at build time. */
declare const __SIGNAL_URL__: string;
/** The commit this build was made from. */
declare const __BUILD_ID__: string;
/** Path from the site's root -> content hash, of every file under static/. Read by the service worker. */
declare const __STATIC_REVISIONS__: Readonly<Record<string, string>>;
