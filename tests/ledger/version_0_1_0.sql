BEGIN TRANSACTION;
CREATE TABLE nassim_entries (
	run_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	worker TEXT NOT NULL, 
	lease BIGINT, 
	start_s DOUBLE NOT NULL, 
	seconds DOUBLE NOT NULL, 
	activity VARCHAR(20) NOT NULL, 
	search TEXT, 
	stage VARCHAR(20) NOT NULL, 
	job TEXT, 
	trial INTEGER, 
	architecture TEXT, 
	step INTEGER, 
	attempt INTEGER NOT NULL, 
	forward_flop BIGINT NOT NULL, 
	backward_flop BIGINT NOT NULL, 
	samples BIGINT NOT NULL, 
	bytes BIGINT NOT NULL, 
	energy_j DOUBLE, 
	metered_s DOUBLE, 
	outcome VARCHAR(20), 
	reason TEXT, 
	PRIMARY KEY (run_id, seq)
)
 WITHOUT ROWID

;
INSERT INTO "nassim_entries" VALUES(1,4,'inline',3,0.0,3.78120567998848855495e-01,'startup',NULL,'search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,5,'driver',1,2.45625000388827174901e-04,3.70376659997418755665e-01,'idle',NULL,'search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,6,'driver',1,3.7062228499780758284e-01,0.00764687400078401,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,16,'inline',3,3.78120567998848855495e-01,1.22303058699981193058e+00,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,17,'inline',3,1.60115115499866078607e+00,1.62888772299993433989e+00,'train','full','search','full/trial/0',0,'67b314bbc98b',NULL,0,314481024,10143981120,1079,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,18,'inline',3,3.23003887799859512597e+00,1.16814249995513819158e-02,'validate','full','search','full/trial/0',0,'67b314bbc98b',NULL,0,104632704,0,359,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,19,'inline',3,3.24172030299814650788e+00,9.94639599957736209034e-03,'checkpoint','full','search','full/trial/0',0,'67b314bbc98b',1,0,0,0,0,878231,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,21,'driver',1,3.78269158998591592535e-01,3.78023700250196270644e-03,'ledger','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,22,'driver',1,3.82049396001093555241e-01,1.65121478400033083744e+00,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,23,'driver',1,2.03326418000142439268e+00,8.88028996996581554412e-04,'sampler','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,24,'driver',1,2.03415220899842097423e+00,1.21809495200068340636e+00,'plan','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,25,'inline',3,3.25166669899772386997e+00,1.02894975003437139093e-01,'train','full','search','full/trial/0',0,'67b314bbc98b',NULL,0,314481024,10143981120,1079,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,26,'inline',3,3.35456167400116100907e+00,6.80157799797598272562e-03,'validate','full','search','full/trial/0',0,'67b314bbc98b',2,0,104632704,0,359,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,28,'driver',1,3.2522471609991043806e+00,2.30272200133185833692e-03,'ledger','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,29,'driver',1,3.25454988300043623894e+00,1.0708900800091214478e-01,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,30,'driver',1,3.36163889100134838372e+00,1.90983999345917254686e-04,'sampler','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,31,'driver',1,3.36375787100041634403e+00,0.0,'sampler','full','search',NULL,0,'67b314bbc98b',NULL,0,0,0,0,0,NULL,NULL,'complete',NULL);
INSERT INTO "nassim_entries" VALUES(1,42,'inline',3,3.36136325199913699179e+00,1.39245018999645253643e-01,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,43,'inline',3,3.50060827099878224544e+00,1.11788886999420356005e-01,'train','full','search','full/trial/1',1,'01bb81120e79',NULL,0,318900608,4365375040,1079,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,44,'inline',3,3.61239715799820260144e+00,6.75861400304711423814e-03,'validate','full','search','full/trial/1',1,'01bb81120e79',NULL,0,106103168,0,359,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,45,'inline',3,3.61915577200124971568e+00,6.97220099755213595926e-03,'checkpoint','full','search','full/trial/1',1,'01bb81120e79',1,0,0,0,0,496773,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,47,'driver',1,3.36182987500069430097e+00,1.90356899838661774992e-03,'ledger','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,48,'driver',1,3.36373344399908091872e+00,1.26810389996535377576e-01,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,49,'driver',1,3.4905438339956162963e+00,1.17567700362997129559e-03,'sampler','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,50,'driver',1,3.4917195109992462676e+00,1.34875425999780418351e-01,'plan','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,51,'inline',3,3.62612797299880185164e+00,9.31338650007091928273e-02,'train','full','search','full/trial/1',1,'01bb81120e79',NULL,0,318900608,4365375040,1079,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,52,'inline',3,3.71926183799951104447e+00,6.04799799839383922517e-03,'validate','full','search','full/trial/1',1,'01bb81120e79',2,0,106103168,0,359,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,54,'driver',1,3.72572777700042934156e+00,0.0,'sampler','full','search',NULL,1,'01bb81120e79',NULL,0,0,0,0,0,NULL,NULL,'complete',NULL);
INSERT INTO "nassim_entries" VALUES(1,65,'inline',3,3.72530983599790488369e+00,2.26559600196196697652e-03,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,66,'inline',3,3.72757543199986685067e+00,1.25315779998345533385e-01,'train','full','search','full/trial/2',2,'50ab09020855',NULL,0,447344768,6031834432,1079,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,67,'inline',3,3.85289121199821238406e+00,7.69123000281979329884e-03,'validate','full','search','full/trial/2',2,'50ab09020855',NULL,0,148838528,0,359,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,68,'inline',3,3.86058244200103217735e+00,8.63879799726419150829e-03,'checkpoint','full','search','full/trial/2',2,'50ab09020855',1,0,0,0,0,592921,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,70,'driver',1,3.62659493699902668595e+00,1.80709599953843280673e-03,'ledger','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,71,'driver',1,3.62840203299856511875e+00,2.39877014999365201219e-01,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,72,'driver',1,3.86827904799793031997e+00,1.1842710009659640491e-03,'sampler','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,73,'driver',1,3.86946331899889628402e+00,2.02360999537631869316e-04,'plan','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,74,'inline',3,3.86922123999829636886e+00,1.32827823003026423975e-01,'train','full','search','full/trial/2',2,'50ab09020855',NULL,0,447344768,6031834432,1079,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,75,'inline',3,4.00204906300132279284e+00,7.6195129986444953829e-03,'validate','full','search','full/trial/2',2,'50ab09020855',2,0,148838528,0,359,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,77,'driver',1,3.86966567999843391589e+00,2.08769299933919683098e-03,'ledger','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,78,'driver',1,3.87175337299777311272e+00,1.38125226003467105329e-01,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,79,'driver',1,4.00987859900124,1.61859999934677034616e-04,'sampler','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,80,'driver',1,4.0118273039988707751e+00,0.0,'sampler','full','search',NULL,2,'50ab09020855',NULL,0,0,0,0,0,NULL,NULL,'complete',NULL);
INSERT INTO "nassim_entries" VALUES(1,82,'driver',1,4.01004045900117489509e+00,1.77115199767285957932e-03,'ledger','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,83,'driver',1,4.01181161099884775467e+00,0.000798936998762656,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,84,'driver',1,4.01261054799761,3.00486000924138352274e-04,'sampler','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,85,'inline',3,4.00966857599996728822e+00,5.45517700084019452333e-03,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,86,'inline',3,4.01512375300080748274e+00,2.51012999797239899635e-04,'idle','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,87,'inline',3,4.01537476600060472264e+00,1.61287356000684667378e-01,'train','full','final','full/final',NULL,'01bb81120e79',NULL,0,425003776,5817802880,1438,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,88,'inline',3,4.17666212200128939002e+00,7.5702999965869821608e-03,'checkpoint','full','final','full/final',NULL,'01bb81120e79',1,0,0,0,0,496773,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,89,'driver',1,4.01291103399853454902e+00,1.09809200148447416722e-03,'ledger','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,90,'driver',1,4.01400912600001902319e+00,1.11462700078845955431e-03,'idle','full','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,91,'driver',1,4.01512375300080748274e+00,1.69263820000196574255e-01,'idle','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,92,'driver',1,4.184387573001004057e+00,1.60397998115513473749e-04,'plan','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,93,'inline',3,4.18423242199787637218e+00,0.138733008003328,'train','full','final','full/final',NULL,'01bb81120e79',2,0,425003776,5817802880,1438,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,94,'driver',1,4.18454797099912,1.88067500130273401737e-03,'ledger','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,95,'driver',1,4.18642864600042230449e+00,1.36720366997906239703e-01,'idle','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,96,'inline',3,4.32296543000120436772e+00,7.94708999819704331457e-03,'test','full','final','full/final',NULL,'01bb81120e79',2,0,106103168,0,359,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,97,'driver',1,4.32314901299832854419e+00,1.70207900009700097143e-03,'ledger','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,98,'driver',1,4.32485109199842554517e+00,6.85126200187369249761e-03,'idle','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,100,'driver',1,4.33170235400029923766e+00,1.66657699810457415878e-03,'ledger','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,101,'driver',1,4.33336893099840381182e+00,8.82841999555239453911e-04,'idle','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,103,'inline',3,4.33091251999940141104e+00,6.64148999931057915091e-03,'idle','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,104,'inline',3,4.33755400999871199019e+00,8.50053002068307250738e-04,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,105,'inline',3,4.33840406300078,2.02608493000298039987e-01,'supernet','enas','search','enas/round/0',NULL,NULL,NULL,0,594269056,18989326400,1079,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,106,'inline',3,4.54101255600107833743e+00,1.88333679980132728815e-02,'checkpoint','enas','search','enas/round/0',NULL,NULL,1,0,0,0,0,2494141,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,108,'driver',1,4.33425177299795905128e+00,1.52526600140845403075e-03,'ledger','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,109,'driver',1,4.33577703899936750531e+00,1.77697099934448488056e-03,'idle','full','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,110,'driver',1,4.33755400999871199019e+00,2.22497390001080930233e-01,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,111,'driver',1,4.56005139999979292042e+00,1.36311999085592105984e-04,'sampler','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,112,'driver',1,4.56018771199887851253e+00,2.99940002150833606719e-05,'plan','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,131,'inline',3,4.55984592399909161031e+00,3.2797839994600508362e-03,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,132,'inline',3,4.56312570799855166114e+00,1.52260370014118961989e-02,'score','enas','search','enas/trials/0-1',0,NULL,1,0,94429184,0,256,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,133,'inline',3,4.57835174499996355734e+00,2.41748999542323872447e-04,'score','enas','search','enas/trials/0-1',0,NULL,1,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,134,'driver',1,4.57862664300046162679e+00,0.0,'sampler','enas','search',NULL,0,'96d80945fa24',NULL,0,0,0,0,0,NULL,NULL,'complete',NULL);
INSERT INTO "nassim_entries" VALUES(1,136,'driver',1,4.57907775399871752597e+00,0.0,'sampler','enas','search',NULL,1,'5a310ff66019',NULL,0,0,0,0,0,NULL,NULL,'complete',NULL);
INSERT INTO "nassim_entries" VALUES(1,138,'inline',3,4.57859349399950588122e+00,1.16497099952539429068e-03,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,139,'inline',3,4.57975846499903127551e+00,1.17331925001053605228e-01,'supernet','enas','search','enas/round/1',NULL,NULL,NULL,0,400762944,11551640832,1079,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,140,'inline',3,4.69709039000008488073e+00,1.91193930004374124109e-02,'checkpoint','enas','search','enas/round/1',NULL,NULL,1,0,0,0,0,2494141,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,142,'driver',1,4.56021770599909359589e+00,1.61971700072172097861e-03,'ledger','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,143,'driver',1,4.56183742299981531687e+00,1.53011367001454345881e-01,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,144,'driver',1,4.71484879000127,1.5103859986993484199e-03,'sampler','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,145,'driver',1,4.71635917599996901117e+00,1.75450000824639573693e-04,'plan','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,164,'inline',3,4.71620978300052229315e+00,4.79394399735610932111e-03,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,165,'inline',3,4.72100372699787840247e+00,9.75257300160592421889e-03,'score','enas','search','enas/trials/2-3',2,NULL,1,0,77234176,0,256,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,166,'inline',3,4.73075629999948432669e+00,2.16272001125616952776e-04,'score','enas','search','enas/trials/2-3',2,NULL,1,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,167,'driver',1,4.7310048799990909174e+00,0.0,'sampler','enas','search',NULL,2,'9664f0eae4af',NULL,0,0,0,0,0,NULL,NULL,'complete',NULL);
INSERT INTO "nassim_entries" VALUES(1,169,'driver',1,4.73143683200032683089e+00,0.0,'sampler','enas','search',NULL,3,'e6bbc485d63e',NULL,0,0,0,0,0,NULL,NULL,'complete',NULL);
INSERT INTO "nassim_entries" VALUES(1,189,'inline',3,4.73097257200061,1.63976700059720315039e-03,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,190,'inline',3,4.73261233900120714679e+00,9.91225999678135849535e-03,'score','enas','search','enas/trials/4-5',4,NULL,1,0,102670336,0,256,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,191,'inline',3,4.74252459899798850528e+00,2.13047002034727483987e-04,'score','enas','search','enas/trials/4-5',4,NULL,1,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,192,'driver',1,4.74276933299916,0.0,'sampler','enas','search',NULL,4,'817f04de9491',NULL,0,0,0,0,0,NULL,NULL,'complete',NULL);
INSERT INTO "nassim_entries" VALUES(1,194,'driver',1,4.74318321800092235207e+00,0.0,'sampler','enas','search',NULL,5,'e2f42278440b',NULL,0,0,0,0,0,NULL,NULL,'complete',NULL);
INSERT INTO "nassim_entries" VALUES(1,196,'driver',1,4.71653462600079365074e+00,2.32141999731538817286e-03,'ledger','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,197,'driver',1,4.71885604599810903891e+00,2.11041690090496558696e-02,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,198,'driver',1,4.73996021500715869478e+00,3.23342799310921691358e-03,'sampler','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,199,'driver',1,4.7431936430002679117e+00,2.65784998191520571708e-04,'plan','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,200,'inline',3,4.74273764600002323277e+00,3.1216079987643752247e-03,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,201,'inline',3,4.74585925399878760799e+00,2.48128999373875558376e-04,'idle','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,202,'inline',3,4.74610738299816148355e+00,1.13448864001838956028e-01,'train','enas','final','enas/final',NULL,'817f04de9491',NULL,0,428593024,5821392128,1438,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,203,'inline',3,4.859556247,7.82456799788633361458e-03,'checkpoint','enas','final','enas/final',NULL,'817f04de9491',1,0,0,0,0,367365,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,204,'driver',1,4.74345942799845943227e+00,2.0332620006229262799e-03,'ledger','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,205,'driver',1,4.74549268999908235855e+00,3.6656399970524944365e-04,'idle','enas','search',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,206,'driver',1,4.74585925399878760799e+00,1.21646226001757895573e-01,'idle','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,207,'driver',1,4.86750548000054550357e+00,1.5327800065279006958e-04,'plan','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,208,'inline',3,4.86738081499788677319e+00,1.10444049001671373844e-01,'train','enas','final','enas/final',NULL,'817f04de9491',2,0,428593024,5821392128,1438,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,209,'driver',1,4.86765875800119829364e+00,1.71053199665038846433e-03,'ledger','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,210,'driver',1,4.8693692899978486821e+00,1.08621280000079423189e-01,'idle','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,211,'inline',3,4.97782486399955814704e+00,8.83874500141246244311e-03,'test','enas','final','enas/final',NULL,'817f04de9491',2,0,106999232,0,359,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,212,'driver',1,4.97799056999792810529e+00,1.79108200245536863803e-03,'ledger','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,213,'driver',1,4.97978165200038347393e+00,7.51349599886452779173e-03,'idle','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,215,'driver',1,4.98729514799924800172e+00,1.71418700119829736649e-03,'ledger','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,216,'driver',1,4.98900933500044629909e+00,7.83174000389408320188e-04,'idle','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,217,'inline',3,4.98666360900097060948e+00,4.47293699835427105426e-03,'idle','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,219,'driver',1,4.98979250900083570741e+00,1.09094099752837792038e-03,'ledger','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "nassim_entries" VALUES(1,220,'driver',1,4.99088344999836408533e+00,3.4396100090816617012e-04,'idle','enas','final',NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL,NULL,NULL);
CREATE TABLE nassim_findings (
	run_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	search TEXT NOT NULL, 
	finding TEXT NOT NULL, 
	PRIMARY KEY (run_id, seq)
)
 WITHOUT ROWID

;
INSERT INTO "nassim_findings" VALUES(1,99,'full','{"search": "full", "trial": 1, "architecture": {"layer0": "mb3_k3", "layer1": "identity", "layer2": "mb6_k5", "layer3": "identity", "layer4": "mb3_k3", "layer5": "mb3_k3", "layer6": "mb3_k3", "layer7": "identity"}, "params": 54938, "forward_flop": 295552, "backward_flop": 4045760, "samples": 2876, "seed": 1353992018, "metrics": {"accuracy": 0.10027855153203342, "loss": 2.309977496898938}, "overcounted_flop": 3463872}');
INSERT INTO "nassim_findings" VALUES(1,214,'enas','{"search": "enas", "trial": 4, "architecture": {"layer0": "mb3_k3", "layer1": "mb3_k3", "layer2": "mb3_k3", "layer3": "identity", "layer4": "mb3_k3", "layer5": "mb6_k5", "layer6": "identity", "layer7": "identity"}, "params": 39002, "forward_flop": 298048, "backward_flop": 4048256, "samples": 2876, "seed": 1353992018, "metrics": {"accuracy": 0.11977715877437325, "loss": 2.3077924723080607}, "overcounted_flop": 3461376}');
CREATE TABLE nassim_journal (
	run_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	log TEXT NOT NULL, 
	PRIMARY KEY (run_id, seq)
)
 WITHOUT ROWID

;
INSERT INTO "nassim_journal" VALUES(1,2,'{"op_code":0,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","study_name":"small-1/full","directions":[2]}');
INSERT INTO "nassim_journal" VALUES(1,7,'{"op_code":4,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","study_id":0,"datetime_start":"2026-11-21T18:37:27.487584+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,8,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"param_name":"layer0","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,9,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"param_name":"layer1","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,10,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"param_name":"layer2","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,11,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"param_name":"layer3","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,12,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"param_name":"layer4","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,13,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"param_name":"layer5","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,14,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"param_name":"layer6","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,15,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"param_name":"layer7","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,20,'{"op_code":7,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"step":1,"intermediate_value":0.09749303621169916}');
INSERT INTO "nassim_journal" VALUES(1,27,'{"op_code":7,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"step":2,"intermediate_value":0.09749303621169916}');
INSERT INTO "nassim_journal" VALUES(1,32,'{"op_code":6,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":0,"state":1,"values":[0.09749303621169916],"datetime_complete":"2026-11-21T18:37:30.469853+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,33,'{"op_code":4,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","study_id":0,"datetime_start":"2026-11-21T18:37:30.470333+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,34,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"param_name":"layer0","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,35,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"param_name":"layer1","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,36,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"param_name":"layer2","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,37,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"param_name":"layer3","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,38,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"param_name":"layer4","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,39,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"param_name":"layer5","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,40,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"param_name":"layer6","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,41,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"param_name":"layer7","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,46,'{"op_code":7,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"step":1,"intermediate_value":0.10027855153203342}');
INSERT INTO "nassim_journal" VALUES(1,53,'{"op_code":7,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"step":2,"intermediate_value":0.10027855153203342}');
INSERT INTO "nassim_journal" VALUES(1,55,'{"op_code":6,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":1,"state":1,"values":[0.10027855153203342],"datetime_complete":"2026-11-21T18:37:30.831671+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,56,'{"op_code":4,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","study_id":0,"datetime_start":"2026-11-21T18:37:30.832074+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,57,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"param_name":"layer0","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,58,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"param_name":"layer1","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,59,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"param_name":"layer2","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,60,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"param_name":"layer3","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,61,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"param_name":"layer4","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,62,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"param_name":"layer5","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,63,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"param_name":"layer6","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,64,'{"op_code":5,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"param_name":"layer7","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,69,'{"op_code":7,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"step":1,"intermediate_value":0.10027855153203342}');
INSERT INTO "nassim_journal" VALUES(1,76,'{"op_code":7,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"step":2,"intermediate_value":0.10027855153203342}');
INSERT INTO "nassim_journal" VALUES(1,81,'{"op_code":6,"worker_id":"f85ecb66-b3fa-4808-8203-ad81325991c8-140011895090048","trial_id":2,"state":1,"values":[0.10027855153203342],"datetime_complete":"2026-11-21T18:37:31.117859+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,102,'{"op_code":0,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","study_name":"small-1/enas","directions":[2]}');
INSERT INTO "nassim_journal" VALUES(1,107,'{"op_code":2,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","study_id":1,"user_attr":{"nassim:prepared":0}}');
INSERT INTO "nassim_journal" VALUES(1,113,'{"op_code":4,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","study_id":1,"datetime_start":"2026-11-21T18:37:31.667311+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,114,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":3,"param_name":"layer0","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,115,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":3,"param_name":"layer1","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,116,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":3,"param_name":"layer2","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,117,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":3,"param_name":"layer3","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,118,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":3,"param_name":"layer4","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,119,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":3,"param_name":"layer5","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,120,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":3,"param_name":"layer6","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,121,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":3,"param_name":"layer7","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,122,'{"op_code":4,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","study_id":1,"datetime_start":"2026-11-21T18:37:31.667840+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,123,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":4,"param_name":"layer0","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,124,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":4,"param_name":"layer1","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,125,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":4,"param_name":"layer2","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,126,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":4,"param_name":"layer3","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,127,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":4,"param_name":"layer4","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,128,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":4,"param_name":"layer5","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,129,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":4,"param_name":"layer6","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,130,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":4,"param_name":"layer7","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,135,'{"op_code":6,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":3,"state":1,"values":[0.078125],"datetime_complete":"2026-11-21T18:37:31.684077+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,137,'{"op_code":6,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":4,"state":1,"values":[0.1015625],"datetime_complete":"2026-11-21T18:37:31.684395+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,141,'{"op_code":2,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","study_id":1,"user_attr":{"nassim:prepared":2}}');
INSERT INTO "nassim_journal" VALUES(1,146,'{"op_code":4,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","study_id":1,"datetime_start":"2026-11-21T18:37:31.824404+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,147,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":5,"param_name":"layer0","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,148,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":5,"param_name":"layer1","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,149,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":5,"param_name":"layer2","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,150,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":5,"param_name":"layer3","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,151,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":5,"param_name":"layer4","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,152,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":5,"param_name":"layer5","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,153,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":5,"param_name":"layer6","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,154,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":5,"param_name":"layer7","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,155,'{"op_code":4,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","study_id":1,"datetime_start":"2026-11-21T18:37:31.825591+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,156,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":6,"param_name":"layer0","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,157,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":6,"param_name":"layer1","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,158,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":6,"param_name":"layer2","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,159,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":6,"param_name":"layer3","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,160,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":6,"param_name":"layer4","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,161,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":6,"param_name":"layer5","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,162,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":6,"param_name":"layer6","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,163,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":6,"param_name":"layer7","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,168,'{"op_code":6,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":5,"state":1,"values":[0.140625],"datetime_complete":"2026-11-21T18:37:31.836424+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,170,'{"op_code":6,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":6,"state":1,"values":[0.09375],"datetime_complete":"2026-11-21T18:37:31.836758+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,171,'{"op_code":4,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","study_id":1,"datetime_start":"2026-11-21T18:37:31.836967+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,172,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":7,"param_name":"layer0","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,173,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":7,"param_name":"layer1","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,174,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":7,"param_name":"layer2","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,175,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":7,"param_name":"layer3","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,176,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":7,"param_name":"layer4","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,177,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":7,"param_name":"layer5","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,178,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":7,"param_name":"layer6","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,179,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":7,"param_name":"layer7","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,180,'{"op_code":4,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","study_id":1,"datetime_start":"2026-11-21T18:37:31.837408+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,181,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":8,"param_name":"layer0","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,182,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":8,"param_name":"layer1","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,183,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":8,"param_name":"layer2","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,184,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":8,"param_name":"layer3","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,185,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":8,"param_name":"layer4","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,186,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":8,"param_name":"layer5","param_value_internal":1,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,187,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":8,"param_name":"layer6","param_value_internal":2,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,188,'{"op_code":5,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":8,"param_name":"layer7","param_value_internal":0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"identity\", \"mb3_k3\", \"mb6_k5\"]}}"}');
INSERT INTO "nassim_journal" VALUES(1,193,'{"op_code":6,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":7,"state":1,"values":[0.1484375],"datetime_complete":"2026-11-21T18:37:31.848190+00:00"}');
INSERT INTO "nassim_journal" VALUES(1,195,'{"op_code":6,"worker_id":"cef31cb3-528f-45d3-b49a-8f2f723c91ae-140011895090048","trial_id":8,"state":1,"values":[0.0703125],"datetime_complete":"2026-11-21T18:37:31.848505+00:00"}');
CREATE TABLE nassim_leases (
	run_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	worker TEXT NOT NULL, 
	opened_s DOUBLE NOT NULL, 
	node TEXT NOT NULL, 
	device TEXT NOT NULL, 
	processors DOUBLE NOT NULL, 
	peak_flop_per_s DOUBLE, 
	peak_source VARCHAR(20), 
	PRIMARY KEY (run_id, seq)
)
 WITHOUT ROWID

;
INSERT INTO "nassim_leases" VALUES(1,1,'driver',2.45625000388827174901e-04,'vm','driver',1.0,NULL,NULL);
INSERT INTO "nassim_leases" VALUES(1,3,'inline',0.0,'vm','cpu: AMD EPYC',1.0,1.01791061793653137208e+11,'measured');
CREATE TABLE nassim_releases (
	run_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	lease BIGINT NOT NULL, 
	closed_s DOUBLE NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (run_id, seq)
)
 WITHOUT ROWID

;
INSERT INTO "nassim_releases" VALUES(1,218,3,4.99113654599932488054e+00,'closed');
INSERT INTO "nassim_releases" VALUES(1,221,1,4.9912274109992722515e+00,'closed');
CREATE TABLE nassim_runs (
	id INTEGER NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	started_at VARCHAR(40) NOT NULL, 
	experiment TEXT NOT NULL, 
	about TEXT NOT NULL, 
	session INTEGER NOT NULL, 
	posted BIGINT NOT NULL, 
	aside_session INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "nassim_runs" VALUES(1,'small-1','2026-11-21T18:37:27+00:00','{"name": "small", "seed": 3, "space": {"name": "chain", "parameters": {"input_shape": [1, 8, 8], "classes": 10, "width": 8, "head": 16}}, "data": {"validation": 0.2, "test": 0.2, "name": "digits"}, "training": {"epochs": 2, "batch_size": 256, "optimizer": "sgd", "learning_rate": 0.1, "decay": "cosine", "final_learning_rate": 0.0, "warmup_epochs": 0, "momentum": 0.9, "nesterov": false, "weight_decay": 0.0, "clip_norm": null}, "searches": [{"name": "full", "evaluator": {"kind": "full"}, "sampler": {"name": "random", "parameters": {}}, "pruner": {"name": "none", "parameters": {}}, "trials": 3, "duplicates": "train", "trial_timeout_s": null, "budget": {"flop": null, "device_s": null, "wall_s": null, "trials": null, "kwh": null, "usd": null, "gco2e": null}}, {"name": "enas", "evaluator": {"kind": "enas", "rounds": 2, "updates": 1, "children": 2, "derive": 2, "minibatch": 128, "batch_size": 256, "learning_rate": 0.05}, "sampler": {"name": "random", "parameters": {}}, "pruner": {"name": "none", "parameters": {}}, "trials": null, "duplicates": "train", "trial_timeout_s": null, "budget": {"flop": null, "device_s": null, "wall_s": null, "trials": null, "kwh": null, "usd": null, "gco2e": null}}], "final": {"schedule": {"epochs": 2, "batch_size": 256, "optimizer": "sgd", "learning_rate": 0.1, "decay": "cosine", "final_learning_rate": 0.0, "warmup_epochs": 0, "momentum": 0.9, "nesterov": false, "weight_decay": 0.0, "clip_norm": null}}, "executor": {"kind": "inline", "threads": 1}, "retries": 3, "checkpoint": {"folder": "runs", "every": 1}, "budget": {"flop": null, "device_s": null, "wall_s": null, "trials": null, "kwh": null, "usd": null, "gco2e": null}, "site": {"device": null, "region": null, "pue": null, "provider": null, "billing": "on-demand", "catalogue": null}, "ledger": "sqlite:///nassim.db"}','{"nassim": "0.1.0", "python": "3.11.7", "host": "vm", "energy": "not measured; reading GPU energy needs nvidia-ml-py; run `pip install ''nassim[energy]''`; no RAPL energy counters under /sys/class/powercap; virtual machines and other processors than Intel''s and AMD''s don''t show them: leave the energy to be modelled"}',1,223,0);
CREATE TABLE nassim_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "nassim_schema" VALUES(2);
CREATE TABLE nassim_statuses (
	run_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	PRIMARY KEY (run_id, seq)
)
 WITHOUT ROWID

;
INSERT INTO "nassim_statuses" VALUES(1,0,'running');
INSERT INTO "nassim_statuses" VALUES(1,222,'finished');
CREATE INDEX nassim_sums ON nassim_entries (run_id, search, trial, stage, activity, worker, lease, seconds, forward_flop, backward_flop, samples, bytes, energy_j, metered_s);
CREATE UNIQUE INDEX nassim_closing_lines ON nassim_entries (run_id, search, trial) WHERE outcome IS NOT NULL;
COMMIT;
