// Fills an empty database: countries, tax, one shipping and one payment method, products with stock, the search index.
//   VENDURE_SCHEMA=create node populate.js <number of products>
const fs = require('fs');
const path = require('path');
const {
    LanguageCode,
    RequestContextService,
    SearchService,
    TransactionalConnection,
    bootstrapWorker,
} = require('@vendure/core');
const { populate } = require('@vendure/core/cli');
const { config } = require('./config');

const initialData = {
    defaultLanguage: LanguageCode.en,
    defaultZone: 'Europe',
    countries: [{ name: 'France', code: 'FR', zone: 'Europe' }],
    taxRates: [{ name: 'Standard Tax', percentage: 0 }],
    shippingMethods: [{ name: 'Pick-up', price: 0 }],
    paymentMethods: [
        { name: 'Cash', handler: { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'true' }] } },
    ],
    collections: [],
};

// Stock so large that no run uses it up, and one product of which five are left.
function catalogue(number) {
    const head = 'name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets';
    const row = (title, slug, price, stock) =>
        `${title},${slug},What the farm says of ${title.toLowerCase()} in a sentence or two,,,,,${slug},${price},standard,${stock},true,,`;
    const rows = [row('The last eggs', 'last-eggs', '3.00', 5)];
    for (let n = 0; n < number; n++) {
        rows.push(row(`Good number ${n}`, `good-${n}`, (1 + (n % 900) / 100).toFixed(2), 100000000));
    }
    return [head, ...rows].join('\n') + '\n';
}

// The import queues a job for each product; one job that indexes all of them does the same in seconds.
async function index(worker) {
    const database = worker.app.get(TransactionalConnection).rawConnection;
    await database.query('delete from job_record');
    const context = await worker.app.get(RequestContextService).create({ apiType: 'admin' });
    const job = await worker.app.get(SearchService).reindex(context);
    await worker.startJobQueue();
    for (;;) {
        await new Promise(done => setTimeout(done, 200));
        const [{ state, error }] = await database.query('select state, error from job_record where id = $1', [job.id]);
        if (state === 'COMPLETED') return;
        if (state === 'FAILED') throw new Error(JSON.stringify(error));
    }
}

async function main() {
    const folder = process.env.VENDURE_FOLDER;
    fs.mkdirSync(path.join(folder, 'assets'), { recursive: true });
    const file = path.join(folder, 'products.csv');
    fs.writeFileSync(file, catalogue(Number(process.argv[2])));
    let worker;
    await populate(async () => (worker = await bootstrapWorker(config)).app, initialData, file);
    await index(worker);
    process.exit(0);
}

main().catch(error => {
    console.error(error);
    process.exit(1);
});
