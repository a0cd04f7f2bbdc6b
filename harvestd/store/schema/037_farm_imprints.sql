-- Who sells, as the law has it shown (Directive 2000/31/EC, article 5): legal_name, address, register, tax_number; what is not given is left out.
alter table farms add column imprint jsonb not null default '{}';
