"""Pictures of products: uploaded, made in each size by a worker, shown."""
