"""A catalogue that is made up: as many farms and products as are asked for, with a few that sell much and many that hardly do."""
