// One API process. Jobs go to the database, for the worker of another process, as Vendure's users run it.
const { bootstrap } = require('@vendure/core');
const { config } = require('./config');

bootstrap(config).then(
    () => console.log('ready'),
    error => {
        console.error(error);
        process.exit(1);
    },
);
