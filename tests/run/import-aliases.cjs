const { join } = require('node:path');

const project = join(__dirname, '..', '..');

/** Where `$lib` and `$workers` lead, in the form that dependency-cruiser reads. */
module.exports = { resolve: { alias: { $lib: join(project, 'src', 'lib'), $workers: join(project, 'workers') } } };
