// The shop: Vendure as its documentation sets it up for production, on the PostgreSQL that harvestd is measured on.
const path = require('path');
const {
    DefaultJobQueuePlugin,
    DefaultLogger,
    DefaultSchedulerPlugin,
    DefaultSearchPlugin,
    LogLevel,
    dummyPaymentHandler,
} = require('@vendure/core');

const folder = process.env.VENDURE_FOLDER;

module.exports.config = {
    apiOptions: {
        hostname: '127.0.0.1',
        port: Number(process.env.VENDURE_PORT || 3000),
        shopApiPath: 'shop-api',
        adminApiPath: 'admin-api',
        introspection: false,
    },
    authOptions: {
        tokenMethod: 'bearer',
        requireVerification: false, // there is no mail to click on; it is not in what is timed
        superadminCredentials: { identifier: 'superadmin', password: 'superadmin' },
        cookieOptions: { secret: 'only-of-a-benchmark' },
    },
    dbConnectionOptions: {
        type: 'postgres',
        host: process.env.VENDURE_DATABASE_HOST,
        port: Number(process.env.VENDURE_DATABASE_PORT || 5432),
        username: process.env.VENDURE_DATABASE_USER,
        database: process.env.VENDURE_DATABASE_NAME,
        synchronize: process.env.VENDURE_SCHEMA === 'create', // by populate.js, once; production has migrations
        logging: false,
    },
    importExportOptions: { importAssetsDir: path.join(folder, 'assets') },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    logger: new DefaultLogger({ level: LogLevel.Warn, timestamp: false }),
    plugins: [
        DefaultJobQueuePlugin.init({ pollInterval: 200 }),
        DefaultSchedulerPlugin.init({}),
        DefaultSearchPlugin.init({ indexStockStatus: true }),
    ],
};
