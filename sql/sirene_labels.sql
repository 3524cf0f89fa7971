-- reads: none
-- makes: naf_nomenclatures, naf_divisions, naf2025_divisions, older_divisions, head_count_bands
-- settings: none
-- The labels of INSEE's nomenclatures NAF rev. 2 (2008) and NAF 2025 at the level of divisions, and
-- of its bands of the head count, fixed by decree; each nomenclature has a list of its own. How the
-- register will spell NAF 2025 from 2027 on is not confirmed: another spelling stops the run.

CREATE TABLE naf_nomenclatures (code text PRIMARY KEY, label text NOT NULL, label_en text NOT NULL);
INSERT INTO naf_nomenclatures (code, label, label_en) VALUES
('NAFRev2', 'NAF rév. 2 (2008 à 2026)', 'NAF rev. 2 (2008 to 2026)'),
('NAF2025', 'NAF 2025 (depuis 2027)', 'NAF 2025 (from 2027)'),
('NAFRev1', 'NAF rév. 1 (2003 à 2007)', 'NAF rev. 1 (2003 to 2007)'),
('NAF1993', 'NAF (1993 à 2002)', 'NAF (1993 to 2002)'),
('NAP', 'Nomenclature d''activités et de produits (1973 à 1992)',
    'Nomenclature of activities and products (1973 to 1992)'),
('none', 'Sans nomenclature', 'No nomenclature given');

CREATE TABLE naf_divisions (
    code text PRIMARY KEY, label text NOT NULL, label_en text NOT NULL, parent text
);
INSERT INTO naf_divisions (parent, code, label, label_en) VALUES
('A', '01', 'Culture et production animale, chasse et services annexes',
    'Crop and animal production, hunting and related service activities'),
('A', '02', 'Sylviculture et exploitation forestière', 'Forestry and logging'),
('A', '03', 'Pêche et aquaculture', 'Fishing and aquaculture'),
('B', '05', 'Extraction de houille et de lignite', 'Mining of coal and lignite'),
('B', '06', 'Extraction d''hydrocarbures', 'Extraction of crude petroleum and natural gas'),
('B', '07', 'Extraction de minerais métalliques', 'Mining of metal ores'),
('B', '08', 'Autres industries extractives', 'Other mining and quarrying'),
('B', '09', 'Services de soutien aux industries extractives', 'Mining support service activities'),
('C', '10', 'Industries alimentaires', 'Manufacture of food products'),
('C', '11', 'Fabrication de boissons', 'Manufacture of beverages'),
('C', '12', 'Fabrication de produits à base de tabac', 'Manufacture of tobacco products'),
('C', '13', 'Fabrication de textiles', 'Manufacture of textiles'),
('C', '14', 'Industrie de l''habillement', 'Manufacture of wearing apparel'),
('C', '15', 'Industrie du cuir et de la chaussure', 'Manufacture of leather and related products'),
('C', '16',
    'Travail du bois et fabrication d''articles en bois et en liège, à l''exception des meubles ;'
    ' fabrication d''articles en vannerie et sparterie',
    'Manufacture of wood and of products of wood and cork, except furniture; manufacture of'
    ' articles of straw and plaiting materials'),
('C', '17', 'Industrie du papier et du carton', 'Manufacture of paper and paper products'),
('C', '18', 'Imprimerie et reproduction d''enregistrements',
    'Printing and reproduction of recorded media'),
('C', '19', 'Cokéfaction et raffinage', 'Manufacture of coke and refined petroleum products'),
('C', '20', 'Industrie chimique', 'Manufacture of chemicals and chemical products'),
('C', '21', 'Industrie pharmaceutique',
    'Manufacture of basic pharmaceutical products and pharmaceutical preparations'),
('C', '22', 'Fabrication de produits en caoutchouc et en plastique',
    'Manufacture of rubber and plastic products'),
('C', '23', 'Fabrication d''autres produits minéraux non métalliques',
    'Manufacture of other non-metallic mineral products'),
('C', '24', 'Métallurgie', 'Manufacture of basic metals'),
('C', '25', 'Fabrication de produits métalliques, à l''exception des machines et des équipements',
    'Manufacture of fabricated metal products, except machinery and equipment'),
('C', '26', 'Fabrication de produits informatiques, électroniques et optiques',
    'Manufacture of computer, electronic and optical products'),
('C', '27', 'Fabrication d''équipements électriques', 'Manufacture of electrical equipment'),
('C', '28', 'Fabrication de machines et équipements n.c.a.',
    'Manufacture of machinery and equipment n.e.c.'),
('C', '29', 'Industrie automobile', 'Manufacture of motor vehicles, trailers and semi-trailers'),
('C', '30', 'Fabrication d''autres matériels de transport',
    'Manufacture of other transport equipment'),
('C', '31', 'Fabrication de meubles', 'Manufacture of furniture'),
('C', '32', 'Autres industries manufacturières', 'Other manufacturing'),
('C', '33', 'Réparation et installation de machines et d''équipements',
    'Repair and installation of machinery and equipment'),
('D', '35', 'Production et distribution d''électricité, de gaz, de vapeur et d''air conditionné',
    'Electricity, gas, steam and air conditioning supply'),
('E', '36', 'Captage, traitement et distribution d''eau', 'Water collection, treatment and supply'),
('E', '37', 'Collecte et traitement des eaux usées', 'Sewerage'),
('E', '38', 'Collecte, traitement et élimination des déchets ; récupération',
    'Waste collection, treatment and disposal activities; materials recovery'),
('E', '39', 'Dépollution et autres services de gestion des déchets',
    'Remediation activities and other waste management services'),
('F', '41', 'Construction de bâtiments', 'Construction of buildings'),
('F', '42', 'Génie civil', 'Civil engineering'),
('F', '43', 'Travaux de construction spécialisés', 'Specialised construction activities'),
('G', '45', 'Commerce et réparation d''automobiles et de motocycles',
    'Wholesale and retail trade and repair of motor vehicles and motorcycles'),
('G', '46', 'Commerce de gros, à l''exception des automobiles et des motocycles',
    'Wholesale trade, except of motor vehicles and motorcycles'),
('G', '47', 'Commerce de détail, à l''exception des automobiles et des motocycles',
    'Retail trade, except of motor vehicles and motorcycles'),
('H', '49', 'Transports terrestres et transport par conduites',
    'Land transport and transport via pipelines'),
('H', '50', 'Transports par eau', 'Water transport'),
('H', '51', 'Transports aériens', 'Air transport'),
('H', '52', 'Entreposage et services auxiliaires des transports',
    'Warehousing and support activities for transportation'),
('H', '53', 'Activités de poste et de courrier', 'Postal and courier activities'),
('I', '55', 'Hébergement', 'Accommodation'),
('I', '56', 'Restauration', 'Food and beverage service activities'),
('J', '58', 'Édition', 'Publishing activities'),
('J', '59',
    'Production de films cinématographiques, de vidéo et de programmes de télévision ;'
    ' enregistrement sonore et édition musicale',
    'Motion picture, video and television programme production, sound recording and music'
    ' publishing activities'),
('J', '60', 'Programmation et diffusion', 'Programming and broadcasting activities'),
('J', '61', 'Télécommunications', 'Telecommunications'),
('J', '62', 'Programmation, conseil et autres activités informatiques',
    'Computer programming, consultancy and related activities'),
('J', '63', 'Services d''information', 'Information service activities'),
('K', '64', 'Activités des services financiers, hors assurance et caisses de retraite',
    'Financial service activities, except insurance and pension funding'),
('K', '65', 'Assurance',
    'Insurance, reinsurance and pension funding, except compulsory social security'),
('K', '66', 'Activités auxiliaires de services financiers et d''assurance',
    'Activities auxiliary to financial services and insurance activities'),
('L', '68', 'Activités immobilières', 'Real estate activities'),
('M', '69', 'Activités juridiques et comptables', 'Legal and accounting activities'),
('M', '70', 'Activités des sièges sociaux ; conseil de gestion',
    'Activities of head offices; management consultancy activities'),
('M', '71',
    'Activités d''architecture et d''ingénierie ; activités de contrôle et analyses techniques',
    'Architectural and engineering activities; technical testing and analysis'),
('M', '72', 'Recherche-développement scientifique', 'Scientific research and development'),
('M', '73', 'Publicité et études de marché', 'Advertising and market research'),
('M', '74', 'Autres activités spécialisées, scientifiques et techniques',
    'Other professional, scientific and technical activities'),
('M', '75', 'Activités vétérinaires', 'Veterinary activities'),
('N', '77', 'Activités de location et location-bail', 'Rental and leasing activities'),
('N', '78', 'Activités liées à l''emploi', 'Employment activities'),
('N', '79',
    'Activités des agences de voyage, voyagistes, services de réservation et activités connexes',
    'Travel agency, tour operator and other reservation service and related activities'),
('N', '80', 'Enquêtes et sécurité', 'Security and investigation activities'),
('N', '81', 'Services relatifs aux bâtiments et aménagement paysager',
    'Services to buildings and landscape activities'),
('N', '82', 'Activités administratives et autres activités de soutien aux entreprises',
    'Office administrative, office support and other business support activities'),
('O', '84', 'Administration publique et défense ; sécurité sociale obligatoire',
    'Public administration and defence; compulsory social security'),
('P', '85', 'Enseignement', 'Education'),
('Q', '86', 'Activités pour la santé humaine', 'Human health activities'),
('Q', '87', 'Hébergement médico-social et social', 'Residential care activities'),
('Q', '88', 'Action sociale sans hébergement', 'Social work activities without accommodation'),
('R', '90', 'Activités créatives, artistiques et de spectacle',
    'Creative, arts and entertainment activities'),
('R', '91', 'Bibliothèques, archives, musées et autres activités culturelles',
    'Libraries, archives, museums and other cultural activities'),
('R', '92', 'Organisation de jeux de hasard et d''argent', 'Gambling and betting activities'),
('R', '93', 'Activités sportives, récréatives et de loisirs',
    'Sports activities and amusement and recreation activities'),
('S', '94', 'Activités des organisations associatives', 'Activities of membership organisations'),
('S', '95', 'Réparation d''ordinateurs et de biens personnels et domestiques',
    'Repair of computers and personal and household goods'),
('S', '96', 'Autres services personnels', 'Other personal service activities'),
('T', '97', 'Activités des ménages en tant qu''employeurs de personnel domestique',
    'Activities of households as employers of domestic personnel'),
('T', '98',
    'Activités indifférenciées des ménages en tant que producteurs de biens et services pour'
    ' usage propre',
    'Undifferentiated goods- and services-producing activities of private households for own use'),
('U', '99', 'Activités des organisations et organismes extraterritoriaux',
    'Activities of extraterritorial organisations and bodies'),
(NULL, '00', 'Activité non encore attribuée', 'Activity not yet assigned'),
(NULL, 'other', 'Activité inconnue ou d''une nomenclature antérieure',
    'Activity unknown or of an older nomenclature');

-- NAF 2025 has the divisions of NACE rev. 2.1: 45 is gone, sections J and K to V are new, and these
-- have other contents and names. Their wording is of medium confidence.
CREATE TABLE naf2025_divisions (LIKE naf_divisions INCLUDING ALL);
INSERT INTO naf2025_divisions (parent, code, label, label_en) VALUES
('G', '46', 'Commerce de gros', 'Wholesale trade'),
('G', '47', 'Commerce de détail', 'Retail trade'),
('J', '60',
    'Programmation, radiodiffusion, agences de presse et autres activités de distribution de'
    ' contenu',
    'Programming, broadcasting, news agency and other content distribution activities'),
('K', '63',
    'Infrastructures informatiques, traitement et hébergement de données et autres services'
    ' d''information',
    'Computing infrastructure, data processing, hosting and other information service activities'),
('N', '73', 'Publicité, études de marché et relations publiques',
    'Activities of advertising, market research and public relations'),
('S', '90', 'Création artistique et arts du spectacle',
    'Arts creation and performing arts activities'),
('T', '95',
    'Réparation et entretien d''ordinateurs, de biens personnels et domestiques et de véhicules'
    ' automobiles et motocycles',
    'Repair and maintenance of computers, personal and household goods, and motor vehicles and'
    ' motorcycles'),
('T', '96', 'Services personnels', 'Personal service activities');
INSERT INTO naf2025_divisions (parent, code, label, label_en)
SELECT CASE WHEN code BETWEEN '58' AND '60' THEN 'J' WHEN code BETWEEN '61' AND '63' THEN 'K'
            WHEN code >= '64' THEN chr(ascii(parent) + 1) ELSE parent END, code, label, label_en
  FROM naf_divisions
 WHERE code <> '45'
ON CONFLICT (code) DO NOTHING;
CREATE TABLE older_divisions AS SELECT * FROM naf_divisions WHERE code = 'other';

CREATE TABLE head_count_bands (code text PRIMARY KEY, label text NOT NULL, label_en text NOT NULL);
INSERT INTO head_count_bands (code, label, label_en) VALUES
('NN', 'Unité non employeuse, ou effectif inconnu', 'Not an employer, or head count unknown'),
('00', '0 salarié, mais employeur dans l''année', '0 employees, but an employer during the year'),
('01', '1 ou 2 salariés', '1 or 2 employees'),
('02', '3 à 5 salariés', '3 to 5 employees'),
('03', '6 à 9 salariés', '6 to 9 employees'),
('11', '10 à 19 salariés', '10 to 19 employees'),
('12', '20 à 49 salariés', '20 to 49 employees'),
('21', '50 à 99 salariés', '50 to 99 employees'),
('22', '100 à 199 salariés', '100 to 199 employees'),
('31', '200 à 249 salariés', '200 to 249 employees'),
('32', '250 à 499 salariés', '250 to 499 employees'),
('41', '500 à 999 salariés', '500 to 999 employees'),
('42', '1 000 à 1 999 salariés', '1,000 to 1,999 employees'),
('51', '2 000 à 4 999 salariés', '2,000 to 4,999 employees'),
('52', '5 000 à 9 999 salariés', '5,000 to 9,999 employees'),
('53', '10 000 salariés et plus', '10,000 employees and more');
