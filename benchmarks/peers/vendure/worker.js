// The worker: what Vendure's users run beside the API process.
const { bootstrapWorker } = require('@vendure/core');
const { config } = require('./config');

bootstrapWorker(config)
    .then(worker => worker.startJobQueue())
    .then(
        () => console.log('ready'),
        error => {
            console.error(error);
            process.exit(1);
        },
    );
