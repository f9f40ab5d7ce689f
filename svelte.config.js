import adapter from '@sveltejs/adapter-static';

/** The build is a plain static folder; every unknown path opens the shell (200.html). */
export default {
  kit: {
    adapter: adapter({ fallback: '200.html' }),
    alias: { $workers: 'workers' },
    // A fixed name makes two builds of one commit identical; the bootstrap passes the commit id.
    version: { name: process.env.HEARTHNET_BUILD ?? 'dev' },
    serviceWorker: { register: false },
    csp: {
      mode: 'hash',
      directives: {
        'default-src': ['none'],
        'script-src': ['self'],
        'style-src': ['self', 'unsafe-inline'],
        'img-src': ['self', 'blob:', 'data:'],
        'media-src': ['self', 'blob:'],
        'connect-src': ['self', 'ws:', 'wss:'],
        'worker-src': ['self'],
        'manifest-src': ['self'],
        'base-uri': ['none'],
        'form-action': ['none'],
      },
    },
    typescript: {
      config: (config) => {
        config.include.push('../src/**/*.ts');
        return config;
      },
    },
  },
};
