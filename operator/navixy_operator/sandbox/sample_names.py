"""Parts of believable company names of the telematics trade, by country."""

from random import Random
from typing import Final

# per country: patterns ({place}, {family}), places, families
COUNTRIES: Final = (
    (
        ("Spedition {family} GmbH", "{family} Logistik GmbH & Co. KG", "Baumaschinen {place} GmbH"),
        ("Bremen", "Kassel", "Nürnberg", "Rostock", "Zwickau", "Ulm"),
        ("Hartmann", "Schäfer", "Böhm", "Lindner", "Krüger", "Weiß"),
    ),
    (
        ("Transport {family} Sp. z o.o.", "Przewozy {place} S.A.", "{family} i Synowie Sp. j."),
        ("Łódź", "Poznań", "Gdańsk", "Rzeszów", "Białystok"),
        ("Kowalski", "Wójcik", "Zieliński", "Dąbrowski", "Grabowski"),
    ),
    (
        ("Transportes {place} S.A. de C.V.", "Autotransportes {family}", "Logística {family} y Asociados"),
        ("Monterrey", "Querétaro", "León", "Hermosillo", "Mérida"),
        ("Hernández", "Garza", "Ibáñez", "Treviño", "Ocampo"),
    ),
    (
        ("{family} Transportes Ltda.", "Locadora {place} S.A.", "Cargas {family} & Filhos"),
        ("Curitiba", "Goiânia", "Joinville", "Maceió", "Uberlândia"),
        ("Araújo", "Conceição", "Farias", "Magalhães", "Nóbrega"),
    ),
    (
        ("{family} Nakliyat A.Ş.", "{place} Lojistik Ltd. Şti.", "Öz {family} Filo Kiralama"),
        ("İzmir", "Konya", "Gaziantep", "Mersin", "Eskişehir"),
        ("Yıldırım", "Şahin", "Öztürk", "Çelik", "Doğan"),  # noqa: RUF001 - Turkish
    ),
    (
        ("Transports {family} SARL", "Ambulances de {place}", "{family} Frères SA"),
        ("Angers", "Besançon", "Nîmes", "Orléans", "Saint-Étienne"),
        ("Lefèvre", "Perrin", "Garnier", "Chevallier", "Rousseau"),
    ),
    (
        ("{place} Haulage Ltd", "{family} Plant Hire", "{family} Cold Chain (Pty) Ltd"),
        ("Doncaster", "Durban", "Mombasa", "Nakuru", "Swansea", "Tauranga"),
        ("Okafor", "Botha", "Mwangi", "Pritchard", "Ngata"),
    ),
    (
        ("{family} Roadways Pvt. Ltd.", "{place} Bus Operators", "Shree {family} Carriers"),
        ("Pune", "Indore", "Coimbatore", "Surat", "Lucknow"),
        ("Deshmukh", "Iyer", "Chauhan", "Bhattacharya", "Naidu"),
    ),
    (
        ("ТОО «{place} Логистик»", "ИП {family}", "ТОО «{family} Транс»"),  # noqa: RUF001 - Cyrillic
        ("Алматы", "Караганда", "Шымкент", "Актобе", "Павлодар"),
        ("Ахметов", "Серикбаев", "Нурланов", "Жумабаев", "Омаров"),
    ),
    (
        ("PT {family} Jaya Transport", "CV {place} Mandiri", "PT Armada {place} Sejahtera"),
        ("Surabaya", "Medan", "Semarang", "Balikpapan", "Makassar"),
        ("Wijaya", "Santoso", "Hidayat", "Kusuma", "Siregar"),
    ),
)


def company_name(random: Random) -> str:
    """One name; names repeat where many are asked for, as they do in life."""
    patterns, places, families = random.choice(COUNTRIES)
    return random.choice(patterns).format(place=random.choice(places), family=random.choice(families))
